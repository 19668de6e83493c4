"""A camera as a file describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.lens import Lens

Pictures = Literal["raw", "rectified"]
"""Whether pictures are as the lens made them, or rectified already."""


@dataclass(frozen=True, eq=False)
class Described:
    """A camera as a file describes it, before it is fitted to a picture.

    Attributes:
        where: its place in the file, in words.
        matrix: (3, 3) px as written; zero where the file has a projection matrix alone.
        projection: (3, 3) px of rectified pictures, or None.
        size: (height, width) px the matrix was made for, or None.
        region: (x, y, width, height) px that is read of it; zeros for all of it.
        binning: (x, y) px that are read as one.
        lens: None where the file names none, or zeros.
        turned: whether rectification turns the picture, so that `projection` has other axes.
        depth_scales: what stands beside it of the depth picture's unit.
    """

    where: str
    matrix: FloatArray
    projection: FloatArray | None = None
    size: tuple[int, int] | None = None
    region: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    binning: tuple[float, float] = (1.0, 1.0)
    lens: Lens | None = None
    turned: bool = False
    depth_scales: tuple[float | str, ...] = ()
