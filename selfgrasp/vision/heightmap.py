"""The orthographic top-down map that every policy with depth looks at: metric, the same for any
camera, resolution and pose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, checked, checked_number
from selfgrasp.core.observation import View
from selfgrasp.core.pose import checked_pose, inverse, pose
from selfgrasp.core.spec import Workspace
from selfgrasp.vision.depth import densify, without_flying_pixels
from selfgrasp.vision.project import project_world, rays

_LAYER = 0.01
"""m. Points of one cell this close below its highest are averaged with it: the mean is not drawn
upwards by noise as the maximum is."""
_ABOVE = 0.5
"""m above the workspace's surface beyond which a point is taken for an arm, a camera stand or an
artefact."""


@dataclass(frozen=True, eq=False)
class Heightmap:
    """What lies on the table seen from straight above.

    Rows run along +y of the map and columns along +x. `heightmap` makes maps whose axes are the
    world's, so a map shown as a picture (rows downwards) is the mirror image of what a camera above
    sees with world +y upwards.

    Attributes:
        color: (H, W, 3) uint8.
        height: (H, W) float32 m, world z; holes are filled.
        valid: (H, W) bool, where the height was measured.
        world_from_map: (4, 4).
        pixel: m; the centre of cell (row, column) lies at ((column + 0.5) pixel, (row + 0.5) pixel,
            0) in the map's frame.
    """

    color: NDArray[np.uint8]
    height: NDArray[np.float32]
    valid: NDArray[np.bool_]
    world_from_map: FloatArray
    pixel: float

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "height", checked(self.height, (None, None), np.float32, "height (m)")
        )
        size = self.height.shape
        object.__setattr__(self, "color", checked(self.color, (*size, 3), np.uint8, "color"))
        object.__setattr__(self, "valid", checked(self.valid, size, np.bool_, "valid"))
        object.__setattr__(
            self, "world_from_map", checked_pose(self.world_from_map, "world_from_map")
        )
        object.__setattr__(self, "pixel", checked_number(self.pixel, 1e-5, 1.0, "pixel (m)"))

    def cells(self, world_xy: NDArray[np.floating]) -> FloatArray:
        """(..., 2) continuous map coordinates (column, row) of world points (..., 2) m; a cell's
        centre is at index + 0.5."""
        m = inverse(self.world_from_map) / self.pixel
        xy = np.asarray(world_xy, dtype=np.float64)
        # Written out: a matrix product over a last axis of two is several times slower.
        return np.stack(
            [
                m[0, 0] * xy[..., 0] + m[0, 1] * xy[..., 1] + m[0, 3],
                m[1, 0] * xy[..., 0] + m[1, 1] * xy[..., 1] + m[1, 3],
            ],
            axis=-1,
        )

    def world_xy(self, cells: NDArray[np.floating]) -> FloatArray:
        """(..., 2) m, the inverse of `cells`."""
        return (
            np.asarray(cells, dtype=np.float64) * self.pixel @ self.world_from_map[:2, :2].T
            + self.world_from_map[:2, 3]
        )

    def height_at(self, world_xy: NDArray[np.floating]) -> NDArray[np.float32]:
        """(...,) float32 m, bilinear heights at world points (..., 2) m; the border's height
        outside."""
        cells = np.asarray(self.cells(world_xy) - 0.5, dtype=np.float32)
        flat = cells.reshape(-1, 2)
        # OpenCV's remap takes pictures of fewer than 32767 rows and columns.
        side = max(1, math.ceil(math.sqrt(len(flat))))
        padded = np.zeros((side * side, 2), np.float32)
        padded[: len(flat)] = flat
        sampled = cv2.remap(
            self.height,
            padded.reshape(side, side, 2),
            np.empty(0, np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return (
            np.asarray(sampled, dtype=np.float32).reshape(-1)[: len(flat)].reshape(cells.shape[:-1])
        )


def heightmap(
    view: View,
    workspace: Workspace,
    *,
    pixel: float = 0.0025,
    margin: float = 0.07,
    colored: bool = True,
) -> Heightmap:
    """The top-down map of `workspace` widened by `margin` m on all sides, with cells of `pixel` m.

    The highest surface of a cell wins. Cells that nothing was measured in (shadows behind objects,
    dropouts, outside the picture) take the height and colour of their lowest neighbours, since what
    an object hides is usually the table. A view without depth gives its colours laid on the
    workspace's surface, valid nowhere. Without `colored` the map is black, for those who only want
    heights: colours are a third of the work.
    """
    low, high = workspace.low[:2] - margin, workspace.high[:2] + margin
    cols, rows = (math.ceil(round(float(extent) / pixel, 6)) for extent in high - low)
    world_from_map = pose(translation=(low[0], low[1], 0.0))
    empty = np.full((rows, cols), np.nan, np.float32)
    height = empty if view.depth is None else _splat(view, workspace, low, empty, pixel)
    height, holes = _without_pinholes(height)
    height = _filled(height, holes, np.float32(workspace.surface))
    if not holes.all():
        height = np.asarray(cv2.medianBlur(height, 3), dtype=np.float32)
    color = _colors(view, height, low, pixel) if colored else np.zeros((rows, cols, 3), np.uint8)
    return Heightmap(color, height, ~holes, world_from_map, pixel)


def view_from_map(heightmap: Heightmap, view: View, cells: NDArray[np.floating]) -> FloatArray:
    """(..., 2) pixels (u, v) of `view` that show the map's surface at `cells` (..., 2) continuous
    (column, row)."""
    xy = heightmap.world_xy(cells)
    z = heightmap.height_at(xy)
    return project_world(np.concatenate([xy, z[..., None]], axis=-1), view)


def _splat(
    view: View, workspace: Workspace, low: FloatArray, empty: NDArray[np.float32], pixel: float
) -> NDArray[np.float32]:
    """(H, W) float32 m, NaN where no point fell: the mean of the topmost layer of each cell."""
    assert view.depth is not None
    rows, cols = empty.shape
    depth = without_flying_pixels(view.depth)
    measured = np.isfinite(depth)
    if not measured.any():
        return empty
    depth, factor = densify(
        depth,
        footprint=float(depth[measured].mean() / min(view.intrinsics[0, 0], view.intrinsics[1, 1])),
        wanted=pixel,
    )
    intrinsics = np.diag([factor, factor, 1.0]) @ view.intrinsics
    # Depth times a ray rotated into the world: three multiplications a pixel instead of a matrix
    # product of points.
    world_rays = rays(depth.shape[0], depth.shape[1], intrinsics).reshape(
        -1, 3
    ) @ view.world_from_camera[:3, :3].T.astype(np.float32)
    flat = depth.reshape(-1)
    eye = view.world_from_camera[:3, 3]
    col = (flat * world_rays[:, 0] + np.float32(eye[0] - low[0])) * np.float32(1 / pixel)
    row = (flat * world_rays[:, 1] + np.float32(eye[1] - low[1])) * np.float32(1 / pixel)
    z = flat * world_rays[:, 2] + np.float32(eye[2])
    # Comparisons with NaN are false, so pixels without a return drop out here.
    inside = (
        (col >= 0) & (col < cols) & (row >= 0) & (row < rows) & (z < workspace.surface + _ABOVE)
    )
    z = z[inside]
    cell = row[inside].astype(np.int32) * np.int32(cols) + col[inside].astype(np.int32)
    top = np.full(rows * cols, -np.inf, np.float32)
    np.maximum.at(top, cell, z)
    layer = z > top[cell] - np.float32(_LAYER)
    cell, z = cell[layer], z[layer]
    count = np.bincount(cell, minlength=rows * cols)
    total = np.bincount(cell, weights=z, minlength=rows * cols)
    with np.errstate(invalid="ignore"):
        return (total / count).astype(np.float32).reshape(rows, cols)


def _without_pinholes(height: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Heights with gaps of one or two cells closed by the mean of their measured neighbours, and
    the (H, W) holes that remain."""
    hit = np.isfinite(height).astype(np.uint8)
    closed = cv2.morphologyEx(hit, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    weight = cv2.boxFilter(hit.astype(np.float32), -1, (3, 3), normalize=False)
    total = cv2.boxFilter(np.nan_to_num(height), -1, (3, 3), normalize=False)
    pinholes = (closed > hit) & (weight > 0)
    out = np.where(pinholes, total / np.maximum(weight, 1), height).astype(np.float32)
    return out, ~np.isfinite(out)


def _filled(
    height: NDArray[np.float32], holes: NDArray[np.bool_], surface: np.float32
) -> NDArray[np.float32]:
    """Heights whose holes take a low percentile of the heights around them, hole by hole; `surface`
    where nothing at all was measured."""
    if not holes.any():
        return height
    if holes.all():
        return np.full_like(height, surface)
    count, labels = cv2.connectedComponents(holes.astype(np.uint8), connectivity=8)
    # A ring two cells wide, since the outermost cell of an object is a mixture of its height and
    # the table's.
    ring = cv2.dilate(labels.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int32)
    ring[holes] = 0
    order = np.argsort(height[ring > 0], kind="stable")
    label, z = ring[ring > 0][order], height[ring > 0][order]
    order = np.argsort(label, kind="stable")
    label, z = label[order], z[order]
    first = np.searchsorted(label, np.arange(count))
    last = np.searchsorted(label, np.arange(count), side="right")
    rank = first + ((last - first) * 0.1).astype(np.int64)
    levels = np.where(last > first, z[np.minimum(rank, len(z) - 1)], surface)
    return np.where(holes, levels[labels], height).astype(np.float32)


def _colors(
    view: View, height: NDArray[np.float32], low: FloatArray, pixel: float
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: the picture's colours where each cell's surface projects, bilinear.

    Cells that something nearer hides take the colour of the nearest visible low cell: projected, a
    shadow would show its object a second time.
    """
    rows, cols = height.shape
    camera_from_world = inverse(view.world_from_camera)
    pixels_from_world = (view.intrinsics @ camera_from_world[:3]).astype(np.float32)
    x = (low[0] + (np.arange(cols) + 0.5) * pixel).astype(np.float32)[None, :]
    y = (low[1] + (np.arange(rows) + 0.5) * pixel).astype(np.float32)[:, None]
    u, v, w = (p[0] * x + p[1] * y + p[2] * height + p[3] for p in pixels_from_world)
    scale = 1 / np.maximum(w, np.float32(1e-6))
    u, v = u * scale - np.float32(0.5), v * scale - np.float32(0.5)
    colors = np.asarray(
        cv2.remap(view.color, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )
    if view.depth is None:
        return colors
    kernel = np.ones((3, 3), np.uint8)
    nearest = cv2.erode(np.nan_to_num(view.depth, nan=1e3), kernel)
    hidden = cv2.remap(
        nearest, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
    ) < w - np.float32(_LAYER)
    sources = ~hidden & (
        height < cv2.erode(height, np.ones((15, 15), np.uint8)) + np.float32(_LAYER)
    )
    if not hidden.any() or not sources.any():
        return colors
    _, labels = cv2.distanceTransformWithLabels(
        (~sources).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    color_of = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    color_of[labels[sources]] = colors[sources]
    colors[hidden] = color_of[labels[hidden]]
    return colors
