"""Vectors of scenes and of single objects in one space, and where in a scene an object is: what
the `embedding` protocol evaluates (Grasp2Vec, Jang et al. 2018, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, checked, unmapped
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import View
from selfgrasp.core.spec import CellSpec


@dataclass(frozen=True, eq=False)
class Heat2D:
    """How much each place of a picture looks like an object.

    Attributes:
        values: (H, W) float32, higher is more alike; NaN where nothing was scored.
        picture_from_cell: (2, 3) affine map from cells to the picture's pixels. The centre of cell
            (row, column) is (column + 0.5, row + 0.5), as the centres of pixels are.
        lengths: (H, W) float32 of the features whose inner products with a vector the values are;
            None where they are none.

    Raises:
        InputError: no value at all, a map that is not invertible, or lengths of other cells.
    """

    values: NDArray[np.float32]
    picture_from_cell: FloatArray
    lengths: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        values = checked(self.values, (None, None), np.float32, "values", finite=False)
        affine = checked(self.picture_from_cell, (2, 3), np.float64, "picture_from_cell")
        if not values.size or np.isnan(values).all():
            raise InputError(given=f"heat of shape {values.shape}, all NaN", wanted="a value")
        if abs(np.linalg.det(affine[:, :2])) < 1e-12:
            raise InputError(
                given=f"picture_from_cell {affine.tolist()}", wanted="an invertible affine map"
            )
        if self.lengths is not None:
            lengths = checked(self.lengths, values.shape, np.float32, "lengths")
            object.__setattr__(self, "lengths", lengths)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "picture_from_cell", affine)

    def px(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> FloatArray:
        """(..., 2) px, x and y in the picture, of the centres of cells."""
        centers = np.stack([np.asarray(columns) + 0.5, np.asarray(rows) + 0.5], axis=-1)
        px: FloatArray = centers @ self.picture_from_cell[:, :2].T + self.picture_from_cell[:, 2]
        return px

    def cells(self, px: FloatArray) -> FloatArray:
        """(M, 2) cells, x and y, of px (M, 2) of the picture."""
        return unmapped(self.picture_from_cell, px)

    @property
    def peak(self) -> float:
        """The highest value."""
        return float(np.nanmax(self.values))

    @property
    def peak_px(self) -> FloatArray:
        """(2,) px, x and y in the picture, of the cell with the highest value."""
        row, column = np.unravel_index(int(np.nanargmax(self.values)), self.values.shape)
        return self.px(np.array(row), np.array(column))

    def similarity(self, vector: FloatArray) -> float:
        """How alike the object and its likeliest place are: the cosine of `vector` (D,), whose heat
        this is, with the features at the peak; without `lengths` the peak for a vector of
        length 1."""
        length = 1.0
        if self.lengths is not None:
            length = float(self.lengths.flat[int(np.nanargmax(self.values))])
        return self.peak / max(float(np.linalg.norm(vector)) * length, 1e-9)

    def inside(self, size: tuple[int, int]) -> Heat2D:
        """The heat with NaN in the cells that lie more than half a cell beyond a picture of `size`
        (height, width) px."""
        px = self.px(*np.indices(self.values.shape))
        half = np.abs(self.picture_from_cell[:, :2]).sum(axis=1) / 2
        inside = ((px > -half) & (px < np.array(size[::-1]) + half)).all(axis=-1)
        values = np.where(inside, self.values, np.nan).astype(np.float32)
        return replace(self, values=values)

    def resized(self, scale: float) -> Heat2D:
        """The same heat over the picture `scale` times as large."""
        return replace(self, picture_from_cell=scale * self.picture_from_cell)


@runtime_checkable
class Embedding(Protocol):
    """Gives vectors of D numbers such that those of a scene before a grasp, less those after it,
    are near the vector of the grasped object."""

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    @property
    def privileged(self) -> tuple[str, ...]:
        """What it reads, or has learned from, that a real robot cannot sense; reports print it."""
        ...

    def scenes(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """(N, D) vectors of pictures of the bin, with the arm away."""
        ...

    def objects(self, views: Sequence[View], spec: CellSpec) -> FloatArray:
        """(N, D) vectors of what is held in present pictures (`Attempt.present`)."""
        ...

    def heat(self, view: View, vector: FloatArray, spec: CellSpec) -> Heat2D:
        """Where in a picture of the bin the object of `vector` (D,) is.

        Args:
            view: picture of the bin, with the arm away.
            vector: of `objects`, or a difference of `scenes`.
            spec: the cell.
        """
        ...
