"""Attempts to examples: what servoing needs, what was lifted as far as labels tell, and its picture
before the camera."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import Attempt, CellSpec, InputError, Observation, View
from selfgrasp.core.pose import apply, inverse
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.methods.semantic.config import SemanticConfig, Structure
from selfgrasp.servo import ServoConfig
from selfgrasp.servo.batches import batch_of, cut, recolored, zoom_factors
from selfgrasp.servo.examples import ClosedAttempt, ExtraColumns, gather, stored_patches
from selfgrasp.servo.network import STATE

GATHERED = 2
"""Version of what `gather_semantic` gives beside servoing's columns."""
LABEL, PROPAGATED_LABEL, PICTURE_LABEL = "category", "category.spread", "picture_category"
"""Labels of what an attempt lifted: as somebody said who saw it; as a classifier said, from which
no classifier learns; and of its presented picture alone: nothing is learned of the attempt, nor
where this label is empty of anything."""


def gather_semantic(
    source: Source, split: Split, config: SemanticConfig, rng: np.random.Generator, *, dorsal: bool
) -> Examples:
    """Columns of `gather` with the ventral stream's patches, and some more.

    They are: category (N,) int64, -1 where nobody says; present (N, S, S, 3) uint8; shown (N,)
    uint8, whether there is one; apart (N,) uint8, whether only the presented picture teaches;
    dorsal (N, K, P, D, D, 3) uint8 patches of the dorsal stream, where it learns here.
    """
    labels, pictured = _labels(source, LABEL), _labels(source, PICTURE_LABEL)
    if not config.names_pictures:
        labels = {**_labels(source, PROPAGATED_LABEL), **labels}
    side, spec = config.ventral.stored_px, source.spec
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "category": ((), np.int64),
        "present": ((side, side, 3), np.uint8),
        "shown": ((), np.uint8),
        "apart": ((), np.uint8),
    }
    if dorsal:
        shapes["dorsal"] = (
            (1 + config.ventral.looks, len(config.planes), config.stored_px, config.stored_px, 3),
            np.uint8,
        )

    def row(
        attempt: Attempt, looks: Sequence[Observation], tried: ClosedAttempt
    ) -> Mapping[str, Any]:
        said = pictured.get(attempt.id, labels.get(attempt.id))
        found: dict[str, Any] = {"category": _index(said, config), "apart": attempt.id in pictured}
        if attempt.present is not None:
            found |= {"present": presented(attempt.present, spec, config.ventral), "shown": 1}
        if dorsal:
            patches = [
                stored_patches(look.view(config.view), tried.final, spec, config) for look in looks
            ]
            found["dorsal"] = np.stack(
                [*patches, *[np.zeros_like(patches[0])] * (1 + config.ventral.looks - len(patches))]
            )
        return found

    return gather(source, split, config.ventral, rng, ExtraColumns(shapes, row))


def _labels(source: Source, name: str) -> Mapping[str, Any]:
    try:
        return source.label(name)
    except InputError:
        return {}


def _index(said: object, config: SemanticConfig) -> int:
    return config.answers.index(str(said)) if said in config.answers else -1


def presented(view: View, spec: CellSpec, config: ServoConfig) -> NDArray[np.uint8]:
    """(S, S, 3) what is held, as large as in patches of the bin, where the view's calibration and
    the cell's drawing have the fingertips; the middle, where the drawing has none."""
    side = config.stored_px
    if spec.presented is None:
        height, width = view.color.shape[:2]
        center, half = np.array([width, height]) / 2, min(height, width) / 2
    else:
        tip = apply(inverse(view.world_from_camera), spec.presented[None, :3, 3])[0]
        center, half = (
            (view.intrinsics @ tip)[:2] / tip[2],
            side * config.pixel / 2 * view.intrinsics[0, 0] / tip[2],
        )
    scale = 2 * half / side
    # The centre of the first pixel of either picture is half a pixel from its edge.
    from_stored = np.array(
        [
            [scale, 0, center[0] - half + scale / 2 - 0.5],
            [0, scale, center[1] - half + scale / 2 - 0.5],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(
            view.color, from_stored, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE
        ),
        dtype=np.uint8,
    )


def semantic_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    config: SemanticConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Tensors of `batches.batch_of` with the ventral stream's patches, and: category (B,) int64, -1
    where it does not count; tried (B,) how much the outcome of the attempt counts; dorsal (B, C, D,
    D) and dorsal_weight (B,), where the dorsal stream learns here.

    In training some of the examples that have a presented picture and a category come once more and
    show that picture, turned anyhow, with another example's motion: whatever the motion, that is
    what will be held. It says nothing of success (Jang et al. 2017, section 3.3).
    """
    if config.names_pictures:
        return _presented_batch(examples, indices, config, rng, augment=augment)
    # The eye learns from the first ones of a batch, and a picture from elsewhere shows no bin.
    indices = indices[np.argsort(examples["apart"][indices], kind="stable")]
    own = len(indices)
    if augment and config.pictures:
        named = (
            (examples["shown"][indices] > 0)
            & (examples["category"][indices] >= 0)
            & (examples["apart"][indices] == 0)
        )
        indices = np.concatenate(
            [indices, rng.permutation(indices[named])[: round(config.pictures * own)]]
        )
    same = copy.deepcopy(rng)
    # An eye that was given learns no more: no pictures for it.
    ventral = (
        config.ventral if "dorsal" in examples.columns else replace(config.ventral, eye_share=0.0)
    )
    batch = batch_of(examples, indices, ventral, rng, augment=augment)
    category = examples["category"][indices]
    apart = (examples["apart"][indices] > 0) | (np.arange(len(indices)) >= own)
    pictured = apart & (examples["shown"][indices] > 0) & (category >= 0)
    known = (category >= 0) & (pictured | (~apart & (examples["grasped"][indices] > 0)))
    if pictured.any():
        shown = _shown(
            examples["present"][indices[pictured]],
            config.ventral,
            rng,
            augment=augment,
            random_rotation=True,
        )
        batch["patch"][torch.from_numpy(pictured)] = shown.repeat(
            1, batch["patch"].shape[1] // 3, 1, 1
        )
        batch["state"][torch.from_numpy(pictured)] = batch["state"][
            torch.from_numpy(rng.integers(len(indices), size=int(pictured.sum())))
        ]
    if augment:
        batch["patch"] = _varied(batch["patch"], config, rng)
    if "dorsal" in examples.columns:
        # The same draws once more: the same look, mirrors and turn.
        again = _dorsal_batch(examples, indices, config, same, augment=augment)
        batch |= {
            "dorsal": again["patch"],
            "dorsal_state": again["state"],
            "dorsal_weight": batch["weight"] * torch.from_numpy(~apart),
        }
    batch["category"] = torch.from_numpy(np.where(known, category, -1))
    batch["tried"] = torch.from_numpy((~apart).astype(np.float32))
    return batch


def _presented_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    config: SemanticConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Presented pictures with a category alone, patch (B, 3, S, S); where the dorsal stream learns
    here, what it learns from."""
    indices = indices[np.argsort(examples["apart"][indices], kind="stable")]
    has = (examples["shown"][indices] > 0) & (examples["category"][indices] >= 0)
    # Where there is none, one that does not count: layers want something to see.
    named = indices[has] if has.any() else indices[:1]
    shown = _shown(
        examples["present"][named],
        config.ventral,
        rng,
        augment=augment,
        random_rotation=config.structure is Structure.BOX,
    )
    batch = {
        "patch": _varied(shown, config, rng) if augment else shown,
        "state": torch.zeros(len(named), STATE),
        "category": torch.from_numpy(examples["category"][named]),
        "named_weight": torch.from_numpy(examples.weights[named] * has.any()).float(),
    }
    if "dorsal" not in examples.columns:
        return batch
    again = _dorsal_batch(examples, indices, config, rng, augment=augment)
    whole = torch.from_numpy(examples["apart"][indices] == 0)
    again |= {
        "dorsal": again["patch"],
        "dorsal_state": again["state"],
        "dorsal_weight": again["weight"] * whole,
    }
    return again | batch


def _dorsal_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    config: SemanticConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    columns = {**examples.columns, "patches": examples["dorsal"]}
    return batch_of(Examples(columns, examples.weights), indices, config, rng, augment=augment)


def _shown(
    present_BSS3: NDArray[np.uint8],
    config: ServoConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
    random_rotation: bool,
) -> torch.Tensor:
    """(B, 3, S, S) presented pictures as patches."""
    b = len(present_BSS3)
    pictures = torch.from_numpy(present_BSS3).permute(0, 3, 1, 2).float() / 127.5 - 1
    # The palm behind what is held is always the same way up; as a thing in the bin it may lie
    # anyhow.
    spread = np.pi if random_rotation else 0.1
    flips = rng.choice([-1.0, 1.0], (b, 2)) if augment and random_rotation else np.ones((b, 2))
    shift, turn = (
        (rng.normal(0, 0.005, (b, 2)), rng.uniform(-spread, spread, b))
        if augment
        else (np.zeros((b, 2)), np.zeros(b))
    )
    shown = cut(
        pictures, flips, shift, turn, config, zoom_factors(b, config, rng) if augment else None
    )
    if augment:
        shown = recolored(
            shown,
            1 + rng.uniform(-config.jitter, config.jitter, (b, 1)),
            rng.uniform(-config.jitter, config.jitter, (b, 3)),
        )
    return shown


def _varied(
    patch_BCSS: torch.Tensor, config: SemanticConfig, rng: np.random.Generator
) -> torch.Tensor:
    """Patches whose colours have changed places in some, and of which a square is hidden: a spoon
    is one in any colour, and half under something else."""
    b, channels, side, _ = patch_BCSS.shape
    order = np.where(
        rng.random((b, 1)) < config.recolor,
        rng.permuted(np.tile(np.arange(3), (b, 1)), axis=1),
        np.arange(3),
    )
    planes = (order[:, None, :] + 3 * np.arange(channels // 3)[None, :, None]).reshape(b, channels)
    varied = torch.take_along_dim(patch_BCSS, torch.from_numpy(planes)[:, :, None, None], dim=1)
    at, half, along = rng.uniform(0, side, (b, 2, 1)), config.hide * side / 2, np.arange(side) + 0.5
    hidden = np.abs(along - at) < half
    return varied.masked_fill(
        torch.from_numpy(hidden[:, 0, :, None] & hidden[:, 1, None, :])[:, None], 0.0
    )
