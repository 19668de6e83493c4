"""A finer map of a picture than a tower gives: the mean over mirrorings, at places between the
tower's.

A place of the small towers' map is some 3 cm wide in the bin, half as wide as what lies there.
Mirrored pictures, which towers learn from, and pictures that begin elsewhere cost no training.

F features, H and W places of a tower's map, S side of a picture in px.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.methods.grasp2vec.examples import normalised_batch
from selfgrasp.vision.square_crop import SquareCrop

FINER = 2
"""Places along each axis for one of the tower's."""
_MIRRORINGS = tuple(product((False, True), repeat=2))


def finer_map(
    looks: Callable[[torch.Tensor], NDArray[np.float32]],
    stored: SquareCrop,
    side: int,
    stride: int,
) -> NDArray[np.float32]:
    """(F, `FINER` H, `FINER` W) features of the middle of a crop.

    Args:
        looks: from pictures (B, 3, S, S) to a tower's maps of features (B, F, H, W).
        stored: the crop. Where offsets reach beyond it, its border is repeated.
        side: S, of the middle.
        stride: px from one place of the tower's map to the next.
    """
    begins = [stride * part // FINER for part in range(FINER)]
    # A mirrored picture has its places elsewhere: it begins where they fall on the others.
    back = stride * ((side - 1) // stride) - (side - 1)
    start = (len(stored.color) - side) // 2 + stride
    padded = np.pad(stored.color, ((stride, stride), (stride, stride), (0, 0)), mode="edge")
    pictures = []
    for (y, x), (up, left) in product(product(begins, repeat=2), _MIRRORINGS):
        top, first = start + y + back * up, start + x + back * left
        cut = padded[top : top + side, first : first + side]
        pictures.append(cut[:: -1 if up else 1, :: -1 if left else 1])
    batch = normalised_batch(np.stack(pictures)).contiguous(memory_format=torch.channels_last)
    seen = looks(batch)
    _, count, height, width = seen.shape
    by_begin = seen.reshape(FINER, FINER, len(_MIRRORINGS), count, height, width)
    mean = np.mean(
        [
            by_begin[:, :, k, :, :: -1 if up else 1, :: -1 if left else 1]
            for k, (up, left) in enumerate(_MIRRORINGS)
        ],
        axis=0,
    )
    finer: NDArray[np.float32] = mean.transpose(2, 3, 0, 4, 1).reshape(
        count, FINER * height, FINER * width
    )
    return finer
