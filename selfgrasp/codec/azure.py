"""The calibration that an Azure Kinect holds: numbers in shares of a sensor, of which each mode
shows another part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from selfgrasp.codec.camera_description import Described
from selfgrasp.codec.camera_tree import number_of
from selfgrasp.core.lens import Lens, LensModel

_DEPTH_MODES = {
    (576, 640): (1024, 192, 180),
    (288, 320): (512, 96, 90),
    (1024, 1024): (1024, 0, 0),
    (512, 512): (512, 0, 0),
}
"""(height, width) to px of the sensor as it is binned, and those cut off on the left and above."""


def azure_cameras(message: Any, height: int, width: int) -> list[Described]:
    """The cameras of `CalibrationInformation` as they take pictures of `height` x `width` px; none
    for other files."""
    tree = message.get("calibrationinformation") if isinstance(message, Mapping) else None
    cameras = tree.get("cameras") if isinstance(tree, Mapping) else None
    found = (
        [_camera(one, height, width) for one in cameras if isinstance(one, Mapping)]
        if (isinstance(cameras, list))
        else []
    )
    return [one for one in found if one is not None]


def _camera(camera: Mapping[str, Any], height: int, width: int) -> Described | None:
    intrinsics, location = camera.get("intrinsics"), str(camera.get("location", ""))
    values = intrinsics.get("modelparameters") if isinstance(intrinsics, Mapping) else None
    numbers = [number_of(value) for value in values] if isinstance(values, list) else []
    if len(numbers) < 14 or None in numbers:
        return None
    cx, cy, fx, fy, k1, k2, k3, k4, k5, k6, _, _, p2, p1 = (float(x or 0) for x in numbers[:14])
    if location.endswith("PV0"):
        # Colour modes of 16:9 cut the same from a 4:3 sensor above and below.
        across, down = float(width), width * 0.75
        left, above, where = 0.0, (down - height) / 2, "color"
    elif location.endswith("D0") and (height, width) in _DEPTH_MODES:
        side, left, above = _DEPTH_MODES[height, width]
        across, down, where = side, side, "depth"
    else:
        return None
    matrix = np.array(
        [
            [fx * across, 0, cx * across - left - 0.5],
            [0, fy * down, cy * down - above - 0.5],
            [0, 0, 1],
        ]
    )
    lens = Lens(LensModel.POLYNOMIAL, (k1, k2, p1, p2, k3, k4, k5, k6))
    return Described(where, matrix, size=(height, width), lens=lens)
