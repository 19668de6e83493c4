"""Where in the bin an object is, and grasps near there (Jang et al. 2018, section 5.3).

M poses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import CellSpec, Heat2D, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.grasp2vec.pictures import PLANE, shifted
from selfgrasp.servo import MotionScorer
from selfgrasp.vision.project import on_plane_from
from selfgrasp.vision.square_crop import SquareCrop

NEAR = 0.03
"""m from the peak within which grasps are judged by the success predictor alone: an object is wider
than a place of the map, and its best grasp need not be in its middle."""
FALL = 0.02
"""m, the deviation of the Gaussian by which grasps beyond that fall off."""


def heat_over_picture(
    map_DHW: NDArray[np.float32], vector: FloatArray, crop: SquareCrop, stride: int
) -> Heat2D:
    """The inner products of a vector with the features at each place of a picture's map.

    Args:
        map_DHW: of the crop.
        vector: (D,).
        crop: what the tower saw.
        stride: px of the crop from one place to the next.
    """
    values = np.tensordot(vector, map_DHW.astype(np.float64), axes=1).astype(np.float32)
    crop_from_cell = np.array([[stride, 0.0], [0.0, stride]])
    affine = np.column_stack(
        [
            crop.picture_from_crop[:, :2] @ crop_from_cell,
            shifted(crop.picture_from_crop, np.full(2, _first(stride)))[:, 2],
        ]
    )
    return Heat2D(values, affine, np.linalg.norm(map_DHW, axis=0))


def cells_of(px: FloatArray, stride: int) -> FloatArray:
    """(..., 2) cells of the map of a crop, see `Heat2D`, of the crop's px (..., 2)."""
    cells: FloatArray = (px - _first(stride)) / stride
    return cells


def _first(stride: int) -> float:
    """px of the crop at which the map's first cell begins: a place sees around the centre of the
    pixel `stride` times its index, where the convolutions' strides begin."""
    return 0.5 - stride / 2


def place_of(heat: Heat2D, camera: FloatArray, view: View, spec: CellSpec) -> FloatArray:
    """(2,) m, x and y in the bin of the heat's peak, moved into the workspace.

    Args:
        heat: over the view's picture.
        camera: (4, 4) world_from_camera, for example an estimated one.
        view: the picture.
        spec: the cell.
    """
    workspace = spec.workspace
    point = on_plane_from(camera, view.intrinsics, heat.peak_px, workspace.surface + PLANE)
    xy: FloatArray = np.clip(point[:2], workspace.low[:2], workspace.high[:2])
    return xy


class NearScorer:
    """Scores of motions that end near a place.

    Args:
        anything: scores motions for holding anything.
        place: (2,) m.
    """

    def __init__(self, anything: MotionScorer, place: FloatArray) -> None:
        self._anything, self._place = anything, place

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of holding anything, less the penalty of the distance."""
        return self._anything.logits(poses) - self._penalty(poses)

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, see `MotionScorer`."""
        return self._anything.careful_logits(poses) - self._penalty(poses)

    def _penalty(self, poses: FloatArray) -> FloatArray:
        away = np.linalg.norm(poses[:, :2] - self._place, axis=1)
        penalty: FloatArray = (np.maximum(away - NEAR, 0.0) / FALL) ** 2 / 2
        return penalty
