"""Attempts to triples of an attempt, a goal and a reward, for the goal-conditioned network (Jang et
al. 2018, section 4, algorithm 1).

N attempts, B triples, P planes, S side of patches and G of pictures of objects in px, D numbers of
a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import CellSpec, Observation, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.learn.hindsight import NOTHING, Achieved, Similarity, relabelled
from selfgrasp.methods.grasp2vec.config import GoalConfig, Grasp2VecConfig
from selfgrasp.methods.grasp2vec.examples import cut_squares, normalised_batch, scene_number
from selfgrasp.methods.grasp2vec.pictures import middle, object_crop
from selfgrasp.servo.batches import center_crop, cut, recolored, zoom_factors
from selfgrasp.servo.examples import closed_attempt, stored_patches

GOAL_EXAMPLES_VERSION = 1
"""Of what `gather_goals` gives."""
OBJECT_LABEL = "truth.object"
"""Which object was lifted; read where the config says so."""


@dataclass(frozen=True)
class Frozen:
    """What does not learn, and is asked once for each attempt.

    Attributes:
        anything: from an observation and a final pose (3,) to the logit of holding anything there.
        vector: from a picture of an object to its vector (D,).
    """

    anything: Callable[[Observation, FloatArray], float]
    vector: Callable[[View, CellSpec], FloatArray]


def gather_goals(
    source: Source, split: Split, config: Grasp2VecConfig, goal: GoalConfig, frozen: Frozen
) -> Examples:
    """Columns, of N attempts that closed the fingers:

        patch (N, P, S, S, 3) uint8: around where they did, in the first image
        anything (N,) float32: logit of holding anything there, by the frozen success predictor
        held, asked (N, G, G, 3) uint8: pictures of what was held, and of what was asked for; black
            where there is none
        held_vector, asked_vector (N, D) float32
        has_held, has_asked (N,) uint8
        scene (N,) int64
        object (N,) int64: a number of the object that was lifted, for `GoalConfig.truth`; else -1

    Args:
        source: attempts.
        split: part of them.
        config: of the method.
        goal: its part about goals.
        frozen: what is asked for vectors and logits.
    """
    spec, view, room = source.spec, config.servo.view, source.len_of(split)
    names = source.label(OBJECT_LABEL) if goal.truth else {}
    numbers = {name: i for i, name in enumerate(sorted({str(one) for one in names.values()}))}
    rows: list[dict[str, Any]] = []
    for attempt in source.attempts(split):
        closed = closed_attempt(attempt)
        if closed is None or len(rows) == room:
            continue
        first = closed.observations[0]
        row: dict[str, Any] = {
            "patch": stored_patches(first.view(view), closed.final, spec, goal.patches),
            "anything": frozen.anything(first, closed.final),
            "scene": scene_number(attempt),
            "object": numbers.get(str(names.get(attempt.id, "")), -1),
        }
        held = attempt.present if attempt.outcome.grasped else None
        for name, picture in (("held", held), ("asked", attempt.goal.image)):
            row[f"has_{name}"] = picture is not None
            if picture is not None:
                row[name] = object_crop(picture, spec, config.held).color
                row[f"{name}_vector"] = frozen.vector(picture, spec)
        rows.append(row)
    side, patches, d = config.held.stored_px, goal.patches, config.tower.channels[-1]
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "patch": ((len(patches.planes), patches.stored_px, patches.stored_px, 3), np.uint8),
        "anything": ((), np.float32),
        "scene": ((), np.int64),
        "object": ((), np.int64),
        **dict.fromkeys(("held", "asked"), ((side, side, 3), np.uint8)),
        **{f"{name}_vector": ((d,), np.float32) for name in ("held", "asked")},
        **{f"has_{name}": ((), np.uint8) for name in ("held", "asked")},
    }
    columns: dict[str, NDArray[Any]] = {
        name: np.zeros((len(rows), *shape), kind) for name, (shape, kind) in shapes.items()
    }
    for index, row in enumerate(rows):
        for name, value in row.items():
            columns[name][index] = value
    return Examples(columns, np.ones(len(rows), np.float32))


def achieved(examples: Examples, goal: GoalConfig) -> Achieved:
    """What the attempts were for and what they held. Picture i of the first N is what attempt i
    held, picture N + i what it was asked for.

    With true rewards a goal that came from elsewhere is left out, as nobody says what it shows.
    """
    rows = np.arange(len(examples))
    asked = (examples["has_asked"] > 0) & (not goal.truth)
    return Achieved(
        np.where(examples["has_held"] > 0, rows, NOTHING),
        np.where(asked, len(examples) + rows, NOTHING),
        examples["scene"],
    )


def similarity_of(examples: Examples, goal: GoalConfig) -> Similarity:
    """Cosine of two pictures' vectors, which are not negative; or whether they truly show the same
    object."""
    n = len(examples)
    if goal.truth:
        objects = examples["object"]
        return lambda a, b: (objects[a % n] == objects[b % n]).astype(np.float64)

    def direction(pictures: NDArray[np.int64]) -> FloatArray:
        return unit(_picked(examples, "_vector", pictures, n).astype(np.float64))

    return lambda a, b: np.einsum("kd,kd->k", direction(a), direction(b))


def goal_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    config: Grasp2VecConfig,
    goal: GoalConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Of the B triples that attempts are relabelled to: patch (B, 3 P, S, S), goal (B, 3, G, G),
    anything, reward and grasped (B,).

    In training, patches and pictures of goals are turned, flipped and shifted on their own, and
    their colors change on their own: they are of different scenes.

    Args:
        examples: of `gather_goals`.
        indices: rows, attempts.
        config: of the method.
        goal: its part about goals.
        rng: draws.
        augment: or the middle of patches and pictures, as they are.
    """
    labels, patches, n = goal.labels, goal.patches, len(examples)
    triples = relabelled(
        achieved(examples, goal), indices, labels, similarity_of(examples, goal), rng
    )
    rows, b = triples.attempts, len(triples.attempts)
    patch = torch.from_numpy(examples["patch"][rows]).permute(0, 1, 4, 2, 3).flatten(1, 2)
    patch = patch.float() / 127.5 - 1
    if augment:
        flips = rng.choice([-1.0, 1.0], (b, 2))
        shift, turn = rng.normal(0, patches.shift, (b, 2)), rng.normal(0, patches.turn, b)
        patch = _recolored(
            cut(patch, flips, shift, turn, patches, zoom_factors(b, patches, rng)),
            patches.jitter,
            rng,
        )
    else:
        patch = center_crop(patch, patches)
    pictures = _picked(examples, "", triples.goals, n)
    seen = normalised_batch(cut_squares(pictures, config.held, rng, augment=augment))
    if augment:
        seen = _recolored(seen, patches.jitter, rng)
    return {
        "patch": patch,
        "goal": seen,
        "reward": torch.from_numpy(triples.rewards),
        "anything": torch.from_numpy(examples["anything"][rows]),
        "grasped": torch.from_numpy(examples["has_held"][rows]).float(),
    }


def seen_goal(pictures: Sequence[View], spec: CellSpec, config: Grasp2VecConfig) -> torch.Tensor:
    """(B, 3, G, G) what the network sees of a goal, as in a batch.

    Args:
        pictures: B, of the goal or of its parts.
        spec: the cell.
        config: of the method.
    """
    crops = [middle(object_crop(one, spec, config.held), config.held.px).color for one in pictures]
    return normalised_batch(np.stack(crops))


def _picked(examples: Examples, suffix: str, pictures: NDArray[np.int64], n: int) -> NDArray[Any]:
    """What is kept of pictures (B,), see `achieved`."""
    held = pictures < n
    found = examples[f"held{suffix}"][pictures % n].copy()
    found[~held] = examples[f"asked{suffix}"][pictures[~held] - n]
    return found


def _recolored(
    pictures_BCSS: torch.Tensor, jitter: float, rng: np.random.Generator
) -> torch.Tensor:
    b = len(pictures_BCSS)
    gain, shade = rng.uniform(-jitter, jitter, (b, 1)), rng.uniform(-jitter, jitter, (b, 3))
    return recolored(pictures_BCSS, 1 + gain, shade)
