"""The eigenvector heuristic: close across the smallest width of what lies at the middle (Pinto &
Gupta 2016, section IV.C). N examples, P side of a patch, px.

The paper segments a colour picture. Here the thing is whatever rises above the table on the patch's
height map, of that the connected part nearest to the middle; a thing that reaches beyond the patch
is cut off at its border.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import angle_between_grasps
from selfgrasp.core.spec import GripperSpec
from selfgrasp.learn import Examples
from selfgrasp.methods.supersizing.config import SupersizingConfig
from selfgrasp.methods.supersizing.examples import world_patches
from selfgrasp.vision import MINIMUM_HEIGHT

HOPELESS = -math.pi
"""Score of a patch without a viable grasp: below minus any angle between two closing directions."""
_CHUNK = 1024


@dataclass(frozen=True)
class Bar:
    """The uniform bar that has a mask's second moments.

    Attributes:
        closing: rad in [0, pi), the direction of the smallest eigenvalue, across the bar.
        length: m, along the direction of the largest.
        width: m, across.
    """

    closing: float
    length: float
    width: float


@dataclass(frozen=True, eq=False)
class Alignment:
    """How tried grasps relate to what lies under them.

    Attributes:
        error: (N,) rad in [0, pi / 2], from the closing direction to that of the smallest
            eigenvalue; infinite where nothing lies there.
        length: (N,) m, of the bar; 0 where nothing lies there.
    """

    error: FloatArray
    length: FloatArray

    def scores(self, *, limit: float = 0.0) -> FloatArray:
        """(N,) minus the error; `HOPELESS` where nothing lies or what does is shorter than `limit`
        m: higher is better, thresholds are minus angles."""
        viable = np.isfinite(self.error) & (self.length >= limit)
        return np.where(viable, -self.error, HOPELESS)


def tried(examples: Examples, gripper: GripperSpec, config: SupersizingConfig) -> Alignment:
    """Errors and lengths of all examples.

    Raises:
        InputError: examples that cannot be turned into the world's direction; see `world_patches`.
    """
    pixel = config.context * gripper.opening / config.pixels
    bars = [
        bar_of(middle_thing(height, MINIMUM_HEIGHT), pixel) for height in _heights(examples, config)
    ]
    closing = np.array([np.nan if bar is None else bar.closing for bar in bars])
    error = angle_between_grasps(examples["yaw"], closing)
    return Alignment(
        np.where(np.isnan(error), np.inf, error),
        np.array([0.0 if bar is None else bar.length for bar in bars]),
    )


def middle_thing(height: NDArray[np.float32], minimum: float) -> NDArray[np.bool_]:
    """(P, P) bool: of what is higher than `minimum` m above the table in `height` (P, P) m, the
    connected part nearest to the middle; all False without any."""
    above = height > minimum
    if not above.any():
        return above
    offset = np.arange(len(height)) - (len(height) - 1) / 2
    distance = np.where(above, np.hypot(offset[:, None], offset), np.inf)
    _, labels = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    part: NDArray[np.bool_] = labels == labels.flat[int(distance.argmin())]
    return part


def bar_of(mask: NDArray[np.bool_], pixel: float) -> Bar | None:
    """The bar of a mask (P, P) with cells of `pixel` m; None if it is empty.

    A uniform bar of length L has the variance L^2 / 12 along it, so an eigenvalue v of the mask's
    covariance stands for sqrt(12 v) m. A cell is no point: its own variance, pixel^2 / 12, belongs
    to it, with which n cells in a row are n pixels long.
    """
    if not mask.any():
        return None
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    area = moments["m00"]
    xx, xy, yy = (moments[name] / area for name in ("mu20", "mu11", "mu02"))
    middle, spread = (xx + yy) / 2 + 1 / 12, math.hypot((xx - yy) / 2, xy)
    along = math.atan2(2 * xy, xx - yy) / 2
    length, width = (
        pixel * math.sqrt(12 * max(0.0, value)) for value in (middle + spread, middle - spread)
    )
    return Bar((along + math.pi / 2) % math.pi, length, width)


def _heights(examples: Examples, config: SupersizingConfig) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(examples), _CHUNK):
        yield from world_patches(
            examples, np.arange(start, min(start + _CHUNK, len(examples))), config
        ).height
