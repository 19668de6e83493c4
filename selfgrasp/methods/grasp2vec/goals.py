"""Attempts to triples of an attempt, a goal and a reward, for the goal-conditioned network (Jang et
al. 2018, section 4, algorithm 1).

N attempts, B triples of A of them, S side of pictures of the bin and G of objects in px, D numbers
of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import CellSpec, Observation, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.learn.hindsight import NOTHING, Achieved, Similarity, relabelled
from selfgrasp.methods.grasp2vec.config import GoalConfig, Grasp2VecConfig
from selfgrasp.methods.grasp2vec.examples import (
    before_others,
    color_order,
    cuts_of,
    normalised_batch,
    scene_number,
)
from selfgrasp.methods.grasp2vec.localise import cells_of
from selfgrasp.methods.grasp2vec.pictures import middle, object_crop, place_px, scene_crop
from selfgrasp.servo.batches import recolored
from selfgrasp.servo.examples import closed_attempt

GOAL_EXAMPLES_VERSION = 2
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

        first (N, S, S, 3) uint8: the bin, in the first image
        place (N, 2) float32: px of it, x and y of where they did
        anything (N,) float32: logit of holding anything there, by the frozen success predictor
        held, asked (N, G, G, 3) uint8: pictures of what was held, and of what was asked for; black
            where there is none
        behind (N, G, G, 3) uint8: the same square as of what was held, with the arm away
        held_vector, asked_vector (N, D) float32
        grasped, has_asked (N,) uint8
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
        crop = scene_crop(first.view(view), spec, config.scene)
        row: dict[str, Any] = {
            "first": crop.color,
            "place": crop.px_of(place_px(closed.final[None, :2], first.view(view), spec))[0],
            "anything": frozen.anything(first, closed.final),
            "scene": scene_number(attempt),
            "object": numbers.get(str(names.get(attempt.id, "")), -1),
        }
        held = attempt.present if attempt.outcome.grasped else None
        row["grasped"], row["has_asked"] = held is not None, attempt.goal.image is not None
        if held is not None and attempt.after is not None:
            empty = replace(held, color=attempt.after.view().color)
            row["behind"] = object_crop(empty, spec, config.held).color
        for name, picture in (("held", held), ("asked", attempt.goal.image)):
            if picture is not None:
                row[name] = object_crop(picture, spec, config.held).color
                row[f"{name}_vector"] = frozen.vector(picture, spec)
        rows.append(row)
    bin_side, side, d = config.scene.stored_px, config.held.stored_px, config.tower.channels[-1]
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "first": ((bin_side, bin_side, 3), np.uint8),
        "place": ((2,), np.float32),
        "anything": ((), np.float32),
        "scene": ((), np.int64),
        "object": ((), np.int64),
        **dict.fromkeys(("held", "behind", "asked"), ((side, side, 3), np.uint8)),
        **{f"{name}_vector": ((d,), np.float32) for name in ("held", "asked")},
        **dict.fromkeys(("grasped", "has_asked"), ((), np.uint8)),
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
        np.where(examples["grasped"] > 0, rows, NOTHING),
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
    """Of the B triples that attempts are relabelled to: goal (B, 3, G, G), anything, reward and
    grasped (B,), place (B, 2) in cells of the map of what is seen of the bin, scene_of (B,) row of
    scene (A, 3, S, S), the first images of their attempts.

    In training pictures are cut at random offsets and flipped, each on its own, and their colors
    change on their own: they are of different scenes. The three colors change places alike over the
    batch. What was held is shown before the scene of another attempt (`before_others`), so that
    what lies behind tells nothing.

    Args:
        examples: of `gather_goals`.
        indices: rows, attempts.
        config: of the method.
        goal: its part about goals.
        rng: draws.
        augment: or the middle of the pictures, as they are.
    """
    triples = relabelled(
        achieved(examples, goal), indices, goal.labels, similarity_of(examples, goal), rng
    )
    attempts, scene_of = np.unique(triples.attempts, return_inverse=True)
    cuts = cuts_of(len(attempts), config.scene, rng, augment=augment)
    scenes = normalised_batch(cuts.squares(examples["first"][attempts]))
    px = cuts.px(examples["place"][attempts])[scene_of]
    pictures = _picked(examples, "", triples.goals, len(examples))
    if augment:
        held = np.flatnonzero(triples.goals < len(examples))
        moved = held[rng.random(len(held)) < config.other_background]
        pictures[moved] = before_others(examples, triples.goals[moved], rng)
    goals = normalised_batch(
        cuts_of(len(pictures), config.held, rng, augment=augment).squares(pictures)
    )
    if augment:
        order = torch.from_numpy(color_order(config, rng))
        scenes, goals = (_recolored(one[:, order], config.jitter, rng) for one in (scenes, goals))
    return {
        "scene": scenes,
        "scene_of": torch.from_numpy(scene_of),
        "place": torch.from_numpy(cells_of(px, config.tower.stride)).float(),
        "goal": goals,
        "reward": torch.from_numpy(triples.rewards),
        "anything": torch.from_numpy(examples["anything"][triples.attempts]),
        "grasped": torch.from_numpy(examples["grasped"][triples.attempts]).float(),
    }


def seen_goals(pictures: Sequence[View], spec: CellSpec, config: Grasp2VecConfig) -> torch.Tensor:
    """(B, 3, G, G) what the network sees of pictures of objects, as in a batch.

    Args:
        pictures: B, of goals, of parts of one, or of what was held.
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
