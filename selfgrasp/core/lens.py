"""How a lens bends what a pinhole camera would see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LensModel(StrEnum):
    """Which formula the coefficients belong to.

    POLYNOMIAL: OpenCV's k1, k2, p1, p2, k3 ... (plumb_bob, radtan, rational, thin prism).
    FISHEYE: OpenCV's fisheye k1 to k4 (equidistant, Kannala-Brandt).
    INVERSE: the polynomial from the picture to the ray instead (RealSense's inverse Brown-Conrady).
    """

    POLYNOMIAL = "polynomial"
    FISHEYE = "fisheye"
    INVERSE = "inverse polynomial"


@dataclass(frozen=True)
class Lens:
    """A distortion.

    Attributes:
        model: the formula.
        coefficients: of it, in OpenCV's order: 4, 5, 8, 12 or 14 for polynomials, 4 for fisheye.
    """

    model: LensModel
    coefficients: tuple[float, ...]
