"""Attempts to examples: those of servoing, the category of what was lifted, as far as labels tell,
and its present image (the held object before the camera).

B batch, C channels, S patch side, D patch side of the dorsal stream, px.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import Attempt, CellSpec, InputError, Observation, View
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.methods.semantic.config import SemanticConfig, Structure
from selfgrasp.servo import PatchConfig
from selfgrasp.servo.batches import CAMERA_SHARE, batch_of, cut, recolored, zoom_factors
from selfgrasp.servo.examples import ClosedAttempt, ExtraColumns, gather, stored_patches
from selfgrasp.servo.network import STATE
from selfgrasp.vision.square_crop import held_crop

EXAMPLES_VERSION = 3
"""Of what `gather_semantic` gives beside servoing's columns."""
LABEL, PROPAGATED_LABEL, PICTURE_LABEL = "category", "category.spread", "picture_category"
"""Labels of what an attempt lifted: by a person or the collector; by a classifier, from which no
classifier learns; of its present image alone, so that the attempt teaches nothing else, and where
this label is empty nothing at all."""
_COLORS_PERMUTED = 0.5
"""Share of the training patches whose three colours are permuted."""
_CUTOUT = 0.3
"""Side of the square that is hidden in each training patch, as a share of the patch's side."""


def gather_semantic(
    source: Source, split: Split, config: SemanticConfig, rng: np.random.Generator, *, dorsal: bool
) -> Examples:
    """Columns of `servo.examples.gather` with the ventral stream's patches, and, of N examples:

        category (N,) int64: index into `config.answers`, -1 without a label
        present_image (N, S, S, 3) uint8
        has_present (N,) uint8: whether there is one
        picture_only (N,) uint8: whether only the present image teaches
        dorsal (N, K, P, D, D, 3) uint8: patches of the dorsal stream, where it learns here

    Args:
        source: attempts.
        split: part of them.
        config: of the method.
        rng: draws the images that are kept.
        dorsal: whether the dorsal stream learns here.
    """
    labels, pictured = _labels(source, LABEL), _labels(source, PICTURE_LABEL)
    if not config.classifies_present_images:
        labels = {**_labels(source, PROPAGATED_LABEL), **labels}
    servo, patches, spec = config.servo, config.servo.patches, source.spec
    side, kept = config.ventral.stored_px, 1 + servo.later_images
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "category": ((), np.int64),
        "present_image": ((side, side, 3), np.uint8),
        "has_present": ((), np.uint8),
        "picture_only": ((), np.uint8),
    }
    if dorsal:
        shape = (kept, len(patches.planes), patches.stored_px, patches.stored_px, 3)
        shapes["dorsal"] = (shape, np.uint8)

    def values(
        attempt: Attempt, observations: Sequence[Observation], closed: ClosedAttempt
    ) -> Mapping[str, Any]:
        said = pictured.get(attempt.id, labels.get(attempt.id))
        row: dict[str, object] = {
            "category": _index(said, config),
            "picture_only": attempt.id in pictured,
        }
        if attempt.present is not None:
            image = present_image(attempt.present, spec, config.ventral)
            row |= {"present_image": image, "has_present": 1}
        if dorsal:
            cuts = [
                stored_patches(observation.view(servo.view), closed.final, spec, patches)
                for observation in observations
            ]
            row["dorsal"] = np.stack([*cuts, *[np.zeros_like(cuts[0])] * (kept - len(cuts))])
        return row

    return gather(
        source, split, servo, rng, patches=config.ventral, extra=ExtraColumns(shapes, values)
    )


def _labels(source: Source, name: str) -> Mapping[str, Any]:
    try:
        return source.label(name)
    except InputError:
        return {}


def _index(said: object, config: SemanticConfig) -> int:
    return config.answers.index(str(said)) if said in config.answers else -1


def present_image(view: View, spec: CellSpec, patches: PatchConfig) -> NDArray[np.uint8]:
    """(S, S, 3) what is held, as large as in patches of the bin; see `held_crop`."""
    side = patches.stored_px
    return held_crop(view, spec, side * patches.pixel, side).color


def semantic_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    config: SemanticConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Tensors of `servo.batches.batch_of` with the ventral stream's patches, and:

        category (B,) int64: -1 where it does not count
        outcome_weight (B,): how much the outcome of the attempt counts
        dorsal (B, C, D, D), dorsal_state (B, 10), dorsal_weight (B,): where the dorsal stream
            learns here

    In training, `config.present_share` adds examples again that show their present image in random
    rotation with another example's motion. Whatever the motion, that is what will be held; it says
    nothing of success (Jang et al. 2017, section 3.3).

    Args:
        examples: of `gather_semantic`.
        indices: rows.
        config: of the method.
        rng: draws.
        augment: or as they are.
    """
    if config.classifies_present_images:
        return _present_batch(examples, indices, config, rng, augment=augment)
    # The camera pose network learns from the first ones of a batch, and a foreign picture shows no
    # bin.
    indices = indices[np.argsort(examples["picture_only"][indices], kind="stable")]
    own = len(indices)
    if augment and config.present_share:
        labelled = (
            (examples["has_present"][indices] > 0)
            & (examples["category"][indices] >= 0)
            & (examples["picture_only"][indices] == 0)
        )
        added = rng.permutation(indices[labelled])[: round(config.present_share * own)]
        indices = np.concatenate([indices, added])
    same = copy.deepcopy(rng)
    learns_dorsal = "dorsal" in examples.columns
    batch = batch_of(
        examples,
        indices,
        config.ventral,
        rng,
        augment=augment,
        camera_share=CAMERA_SHARE if learns_dorsal else 0.0,
    )
    category = examples["category"][indices]
    picture_only = (examples["picture_only"][indices] > 0) | (np.arange(len(indices)) >= own)
    pictured = picture_only & (examples["has_present"][indices] > 0) & (category >= 0)
    known = (category >= 0) & (pictured | (~picture_only & (examples["grasped"][indices] > 0)))
    if pictured.any():
        present = _present_patches(
            examples["present_image"][indices[pictured]],
            config.ventral,
            rng,
            augment=augment,
            random_rotation=True,
        )
        batch["patch"][torch.from_numpy(pictured)] = present.repeat(
            1, batch["patch"].shape[1] // 3, 1, 1
        )
        batch["state"][torch.from_numpy(pictured)] = batch["state"][
            torch.from_numpy(rng.integers(len(indices), size=int(pictured.sum())))
        ]
    if augment:
        batch["patch"] = _permuted_and_cut_out(batch["patch"], rng)
    if learns_dorsal:
        # The same draws once more: the same image, mirrorings and turn.
        again = _dorsal_batch(examples, indices, config, same, augment=augment)
        batch |= {
            "dorsal": again["patch"],
            "dorsal_state": again["state"],
            "dorsal_weight": batch["weight"] * torch.from_numpy(~picture_only),
        }
    batch["category"] = torch.from_numpy(np.where(known, category, -1))
    batch["outcome_weight"] = torch.from_numpy((~picture_only).astype(np.float32))
    return batch


def _present_batch(
    examples: Examples,
    indices: NDArray[np.int64],
    config: SemanticConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Present images with a category, patch (B, 3, S, S); and the dorsal stream's tensors, where it
    learns here."""
    indices = indices[np.argsort(examples["picture_only"][indices], kind="stable")]
    has = (examples["has_present"][indices] > 0) & (examples["category"][indices] >= 0)
    # Without any, one of weight 0: layers need an input.
    labelled = indices[has] if has.any() else indices[:1]
    patch = _present_patches(
        examples["present_image"][labelled],
        config.ventral,
        rng,
        augment=augment,
        random_rotation=config.structure is Structure.BOX,
    )
    batch = {
        "patch": _permuted_and_cut_out(patch, rng) if augment else patch,
        "state": torch.zeros(len(labelled), STATE),
        "category": torch.from_numpy(examples["category"][labelled]),
        "category_weight": torch.from_numpy(examples.weights[labelled] * has.any()).float(),
    }
    if "dorsal" not in examples.columns:
        return batch
    again = _dorsal_batch(examples, indices, config, rng, augment=augment)
    whole = torch.from_numpy(examples["picture_only"][indices] == 0)
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
    return batch_of(
        Examples(columns, examples.weights), indices, config.servo.patches, rng, augment=augment
    )


def _present_patches(
    present_BSS3: NDArray[np.uint8],
    patches: PatchConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
    random_rotation: bool,
) -> torch.Tensor:
    """(B, 3, S, S) present images as patches."""
    b = len(present_BSS3)
    images = torch.from_numpy(present_BSS3).permute(0, 3, 1, 2).float() / 127.5 - 1
    # The palm behind a held object is always the same way up; in the bin it may lie in any
    # rotation.
    largest = np.pi if random_rotation else 0.1
    flips = rng.choice([-1.0, 1.0], (b, 2)) if augment and random_rotation else np.ones((b, 2))
    shift, turn = (
        (rng.normal(0, 0.005, (b, 2)), rng.uniform(-largest, largest, b))
        if augment
        else (np.zeros((b, 2)), np.zeros(b))
    )
    zoom = zoom_factors(b, patches, rng) if augment else None
    patch = cut(images, flips, shift, turn, patches, zoom)
    if augment:
        jitter = patches.jitter
        patch = recolored(
            patch, 1 + rng.uniform(-jitter, jitter, (b, 1)), rng.uniform(-jitter, jitter, (b, 3))
        )
    return patch


def _permuted_and_cut_out(patch_BCSS: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Patches with permuted colours in some, and a hidden square in each (cutout): a spoon is one
    in any colour, and half under another object."""
    b, channels, side, _ = patch_BCSS.shape
    order = np.where(
        rng.random((b, 1)) < _COLORS_PERMUTED,
        rng.permuted(np.tile(np.arange(3), (b, 1)), axis=1),
        np.arange(3),
    )
    planes = (order[:, None, :] + 3 * np.arange(channels // 3)[None, :, None]).reshape(b, channels)
    permuted = torch.take_along_dim(patch_BCSS, torch.from_numpy(planes)[:, :, None, None], dim=1)
    at, half, along = rng.uniform(0, side, (b, 2, 1)), _CUTOUT * side / 2, np.arange(side) + 0.5
    hidden = np.abs(along - at) < half
    return permuted.masked_fill(
        torch.from_numpy(hidden[:, 0, :, None] & hidden[:, 1, None, :])[:, None], 0.0
    )
