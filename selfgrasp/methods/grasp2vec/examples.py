"""Attempts to triplets: the bin before a grasp, what was held, the bin after it.

B triplets, S side of crops in px.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import UNINFORMATIVE_FAULTS, Attempt
from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.methods.grasp2vec.config import CropConfig, Grasp2VecConfig
from selfgrasp.methods.grasp2vec.pictures import object_crop, scene_crop
from selfgrasp.servo.batches import recolored

EXAMPLES_VERSION = 3
"""Of what `gather_triplets` gives."""
CHANGED = 24
"""Of 255, by which a color differs where something came before the scene, or was taken out of it;
the cameras' noise, averaged over a crop's pixel, stays below."""
_WINDOW_SHIFT = 4
"""px, largest random shift of a window."""


def gather_triplets(source: Source, split: Split, config: Grasp2VecConfig) -> Examples:
    """Columns, of N triplets:

        before, after (N, S, S, 3) uint8: the bin, with the arm away
        held (N, S, S, 3) uint8: what was held; black where nothing was
        behind (N, S, S, 3) uint8: the same square after the attempt, with the arm away
        changed (N, 2) float32: see `changed_place`, of before and after
        grasped (N,) uint8: whether something was held; always, unless failures teach
        scene (N,) int64: a number of the scene

    Args:
        source: attempts.
        split: part of them.
        config: of the method.
    """
    room, spec, view = source.len_of(split), source.spec, config.servo.view
    scene, held = config.scene.stored_px, config.held.stored_px
    columns: dict[str, NDArray[Any]] = {
        "before": np.zeros((room, scene, scene, 3), np.uint8),
        "after": np.zeros((room, scene, scene, 3), np.uint8),
        "held": np.zeros((room, held, held, 3), np.uint8),
        "behind": np.zeros((room, held, held, 3), np.uint8),
        "changed": np.zeros((room, 2), np.float32),
        "grasped": np.zeros(room, np.uint8),
        "scene": np.zeros(room, np.int64),
    }
    n = 0
    for attempt in source.attempts(split):
        held_something = attempt.outcome.grasped and attempt.present is not None
        if n == room or not (held_something or (config.failures and _failed(attempt))):
            continue
        if attempt.before is None or attempt.after is None:
            continue
        before, after = (
            scene_crop(seen.view(view), spec, config.scene).color
            for seen in (attempt.before, attempt.after)
        )
        columns["before"][n], columns["after"][n] = before, after
        columns["changed"][n] = changed_place(before, after)
        if held_something and attempt.present is not None:
            empty = replace(attempt.present, color=attempt.after.view().color)
            columns["held"][n] = object_crop(attempt.present, spec, config.held).color
            columns["behind"][n] = object_crop(empty, spec, config.held).color
        columns["grasped"][n] = held_something
        columns["scene"][n] = scene_number(attempt)
        n += 1
    return Examples({name: column[:n] for name, column in columns.items()}, np.ones(n, np.float32))


def _failed(attempt: Attempt) -> bool:
    return not attempt.outcome.grasped and attempt.outcome.fault not in UNINFORMATIVE_FAULTS


def changed_place(before_SSC: NDArray[np.uint8], after_SSC: NDArray[np.uint8]) -> FloatArray:
    """(2,) px, row and column of the middle of the largest region where a color differs by more
    than `CHANGED`; the middle of the pictures where there is none."""
    differs_SS = cv2.absdiff(before_SSC, after_SSC).max(axis=2) > CHANGED
    _, _, regions, middles = cv2.connectedComponentsWithStats(differs_SS.astype(np.uint8))
    if len(regions) == 1:
        return np.array(differs_SS.shape) / 2
    x, y = middles[1 + regions[1:, cv2.CC_STAT_AREA].argmax()]
    return np.array([y, x]) + 0.5


def scene_number(attempt: Attempt) -> int:
    """A number of its scene, different for scenes of different collections."""
    text = f"{attempt.session}|{attempt.scene}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def triplet_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    config: Grasp2VecConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """before and after (B, 3, S, S), held (B, 3, S', S'), grasped (B,).

    In training what was held is shown before the scene of another triplet (`before_others`), by
    which no triplet can be told. Each of the three pictures is flipped left to right and top to
    bottom on its own: a mean over places does not know where things are. Before and after are cut
    with one offset. Where the config has a window, both are flipped alike, too, and only the window
    around what changed is shown. Where it has `turned`, rows and columns change places in half of
    the pictures, of before and after alike. Brightness and colors change alike over a triplet; the
    three colors change places alike over the batch.

    Args:
        examples: of `gather_triplets`.
        indices: (B,) rows.
        config: of the method.
        rng: draws.
        augment: or the middle of the crops, as they are.
    """
    b = len(indices)
    stored = {name: examples[name][indices] for name in ("before", "after", "held")}
    grasped = torch.from_numpy(examples["grasped"][indices]).float()
    if not augment:
        crops = {"before": config.scene, "after": config.scene, "held": config.held}
        middles = {
            name: normalised_batch(cuts_of(b, crop, rng, augment=False).squares(stored[name]))
            for name, crop in crops.items()
        }
        return {**middles, "grasped": grasped}
    jitter = config.jitter
    gain, shade = 1 + rng.uniform(-jitter, jitter, (b, 1)), rng.uniform(-jitter, jitter, (b, 3))
    order = color_order(config, rng)
    scene, held = (_offsets(b, crop, rng) for crop in (config.scene, config.held))
    moved = rng.random(b) < config.other_background
    stored["held"][moved] = before_others(examples, indices[moved], rng)
    if config.window_px is None:
        before, after = (Cuts(config.scene.px, scene, _flips(b, rng)) for _ in range(2))
    else:
        before = after = _windows(examples["changed"][indices], config.window_px, config.scene, rng)
    shown = Cuts(config.held.px, held, _flips(b, rng))
    turned_scene, turned_held = rng.random((2, b)) < (0.5 if config.turned else 0)
    batch: Batch = {"grasped": grasped}
    for name, cuts, turned in (
        ("before", before, turned_scene),
        ("after", after, turned_scene),
        ("held", shown, turned_held),
    ):
        cut = cuts.squares(stored[name])[..., order]
        cut[turned] = cut[turned].swapaxes(1, 2)
        batch[name] = recolored(normalised_batch(cut), gain, shade)
    return batch


def _windows(
    changed_B2: FloatArray, side: int, scene: CropConfig, rng: np.random.Generator
) -> Cuts:
    """Squares around what changed, somewhat shifted and flipped at random."""
    b = len(changed_B2)
    shift = rng.uniform(-_WINDOW_SHIFT, _WINDOW_SHIFT, (b, 2))
    corners = np.rint(changed_B2 + shift - side / 2).astype(np.int64)
    return Cuts(side, corners.clip(0, scene.stored_px - side), _flips(b, rng))


def color_order(config: Grasp2VecConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """(3,) the places of the three colors in a batch of training."""
    return rng.permutation(3) if rng.random() < config.permuted else np.arange(3)


def before_others(
    examples: Examples, indices: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """(B, S, S, 3) crops of what was held, where all that did not change when the arm came is
    replaced by the same square of triplets drawn at random.

    Args:
        examples: of `gather_triplets`.
        indices: (B,) rows.
        rng: draws the other triplets.
    """
    held, behind = examples["held"][indices], examples["behind"][indices]
    shown = np.flatnonzero(examples["grasped"])
    if not len(shown):
        return held
    others = examples["behind"][rng.choice(shown, len(indices))]
    difference = np.maximum(held, behind) - np.minimum(held, behind)
    # A maximum over an axis of three takes numpy many times as long.
    red, green, blue = np.moveaxis(difference, 3, 0)
    changed = np.maximum(np.maximum(red, green), blue) > CHANGED
    return np.where(changed[..., None], held, others)


def normalised_batch(color_BSSC: NDArray[np.uint8]) -> torch.Tensor:
    """(B, 3, S, S) from -1 to 1."""
    return torch.from_numpy(color_BSSC).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


@dataclass(frozen=True, eq=False)
class Cuts:
    """Squares of stored crops as the tower sees them.

    Attributes:
        side: px.
        offsets: (B, 2) px, rows and columns.
        flips: (B, 2) bool, top to bottom and left to right.
    """

    side: int
    offsets: NDArray[np.int64]
    flips: NDArray[np.bool_]

    def squares(self, stored_BSSC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(B, side, side, 3)."""
        out = np.empty((len(stored_BSSC), self.side, self.side, 3), np.uint8)
        for i, ((row, column), (vertical, horizontal)) in enumerate(
            zip(self.offsets, self.flips, strict=True)
        ):
            square = stored_BSSC[i, row : row + self.side, column : column + self.side]
            out[i] = square[:: -1 if vertical else 1, :: -1 if horizontal else 1]
        return out

    def px(self, stored_B2: FloatArray) -> FloatArray:
        """(B, 2) x and y in the squares of px of the stored crops, one of each."""
        px = stored_B2 - self.offsets[:, ::-1]
        return np.where(self.flips[:, ::-1], self.side - px, px)


def cuts_of(count: int, crop: CropConfig, rng: np.random.Generator, *, augment: bool) -> Cuts:
    """At random offsets and flipped at random; or the middle as it is."""
    if augment:
        return Cuts(crop.px, _offsets(count, crop, rng), _flips(count, rng))
    middle = np.full((count, 2), (crop.stored_px - crop.px) // 2)
    return Cuts(crop.px, middle, np.zeros((count, 2), bool))


def _offsets(count: int, crop: CropConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    """(B, 2) px, rows and columns."""
    return rng.integers(0, crop.stored_px - crop.px + 1, (count, 2))


def _flips(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    return rng.integers(0, 2, (count, 2)).astype(bool)
