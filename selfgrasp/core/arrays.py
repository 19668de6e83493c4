"""Checked, read-only arrays: every noun's constructor goes through `checked`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from selfgrasp.core.errors import InputError

FloatArray = NDArray[np.float64]


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """`array` itself if it is read-only, otherwise a read-only copy, so that no caller's array
    changes."""
    if not array.flags.writeable:
        return array
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def checked(
    value: ArrayLike,
    shape: tuple[int | None, ...],
    dtype: DTypeLike,
    name: str,
    *,
    finite: bool = True,
) -> NDArray[Any]:
    """A read-only array of `shape` (None = any size) and `dtype`.

    Floating-point input is converted to `dtype`; integer pictures must have it already, since a
    silent cast hides a scaling error.

    Raises:
        InputError: wrong shape or dtype, or a value that is not finite while `finite`.
    """
    array = np.asarray(value)
    wanted = np.dtype(dtype)
    if array.dtype != wanted:
        if wanted.kind != "f" or array.dtype.kind not in "fiu":
            raise InputError(given=f"{name} of dtype {array.dtype}", wanted=f"dtype {wanted}")
        array = array.astype(wanted)
    if len(array.shape) != len(shape) or any(
        w is not None and w != s for w, s in zip(shape, array.shape, strict=True)
    ):
        raise InputError(
            given=f"{name} of shape {array.shape}",
            wanted=f"shape {tuple('any' if w is None else w for w in shape)}",
        )
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(
            given=f"{name} with {int((~np.isfinite(array)).sum())} values that are not finite",
            wanted="finite values",
        )
    return frozen(array)


def unit(vectors: FloatArray) -> FloatArray:
    """(..., D) vectors of length 1; of zeros, zeros."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: FloatArray = vectors / np.where(length > 0, length, 1.0)
    return scaled


def unmapped(affine: FloatArray, points: FloatArray) -> FloatArray:
    """(N, 2) points that an affine map (2, 3) takes to `points` (N, 2)."""
    found: FloatArray = (points - affine[:, 2]) @ np.linalg.inv(affine[:, :2]).T
    return found


def checked_number(value: float, low: float, high: float, name: str) -> float:
    """`value` as a float within [low, high].

    Raises:
        InputError: outside the range, or NaN.
    """
    number = float(value)
    if not low <= number <= high:
        raise InputError(given=f"{name} = {number:g}", wanted=f"a number from {low:g} to {high:g}")
    return number
