"""Training examples: rows of candidates, cut to crops by the batch, with noise (Mahler et al. 2017,
section IV-B.3)."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.methods.dexnet.config import DexNetConfig, NoiseConfig, Reference
from selfgrasp.methods.dexnet.pictures import crops_of


def gather(source: Source, split: Split, config: DexNetConfig) -> Examples:
    """A row for each candidate of the part that has every label, and whether each output should say
    yes of it."""
    candidates = source.candidates(split, sorted({one.label for one in config.outputs}))
    labels = [candidates.labels[one.label] for one in config.outputs]
    rows = np.flatnonzero(np.isfinite(labels).all(axis=0))
    columns = {
        f"output{index}": (values[rows] > one.above).astype(np.float32)
        for index, (one, values) in enumerate(zip(config.outputs, labels, strict=True))
    }
    return Examples({"row": rows, **columns}, np.ones(len(rows), np.float32), candidates)


def batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    config: DexNetConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """picture (B, P, P) and gripper (B,) m, and truth (B, T) of the rows at `indices`; with
    `augment` mirrored and turned by half a turn, since the hand is symmetric, and with noise."""
    assert examples.candidates is not None
    crops = crops_of(examples.candidates.read(examples["row"][indices]), config)
    picture = crops.picture
    if augment:
        nearer = noise_of(crops.distance, config.pixels, config.noise, rng)
        picture = picture - nearer if config.reference is Reference.CAMERA else picture + nearer
        picture = _mirrored(picture, rng)
    truth = [examples[f"output{index}"][indices] for index in range(len(config.outputs))]
    return {
        "picture": torch.from_numpy(np.ascontiguousarray(picture)),
        "gripper": torch.from_numpy(crops.gripper),
        "truth": torch.from_numpy(np.stack(truth, axis=1)),
    }


def noise_of(
    distance: NDArray[np.float32], side: int, noise: NoiseConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """(N, P, P) m by which pixels seem nearer than they are: of a factor a crop on its `distance`
    (N,) m, of a Gaussian process in half of the crops, and of each pixel."""
    count = len(distance)
    nearer = np.zeros((count, side, side), np.float32)
    if noise.gamma_shape:
        factors = rng.gamma(noise.gamma_shape, 1.0 / noise.gamma_shape, count)
        nearer += (distance * (1.0 - factors)).astype(np.float32)[:, None, None]
    if noise.deviation:
        coarse = max(1, side // noise.correlation)
        for index in np.flatnonzero(rng.random(count) < 0.5):
            field = rng.normal(0.0, noise.deviation, (coarse, coarse)).astype(np.float32)
            nearer[index] += cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)
    if noise.pixel:
        nearer += np.float32(noise.pixel) * rng.standard_normal(nearer.shape, np.float32)
    return nearer


def _mirrored(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    flips = rng.random((2, len(picture))) < 0.5
    picture = np.where(flips[0][:, None, None], picture[:, ::-1], picture)
    return np.where(flips[1][:, None, None], picture[:, :, ::-1], picture)
