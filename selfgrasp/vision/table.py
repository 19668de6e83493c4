"""The table in a depth picture: a plane fitted by RANSAC (Fischler & Bolles 1981), a world on it,
and the part of it the camera sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import apply, inverse, pose
from selfgrasp.core.spec import Workspace
from selfgrasp.vision.project import deproject
from selfgrasp.vision.tabletop import raised_table

_NEAR_PLANE = 0.006
"""m from the plane within which a point belongs to it."""
_ENOUGH = 0.25
"""share of the measured pixels that a table has to hold."""
_LARGEST = 1.0
"""m: the longest side of a workspace that is derived from a picture."""
_FINGER_ROOM = 0.004
_HEADROOM = 0.35


@dataclass(frozen=True, eq=False)
class Table:
    """A fitted table.

    Attributes:
        world_from_camera: (4, 4) of the world that the table defines: z up from it, origin where
            the optical axis meets it (below the visible middle of it if the axis does not), x along
            the picture's right.
        share: of the measured pixels that lie on it, 0..1.
        rise: m above the picture's largest plane, 0 where it is that.
    """

    world_from_camera: FloatArray
    share: float
    rise: float = 0.0


def fit_table(
    depth: NDArray[np.float32],
    intrinsics: FloatArray,
    rng: np.random.Generator,
    *,
    trials: int = 300,
) -> Table:
    """The largest plane in a depth picture (H, W) m, or the table that stands on it where that is
    the floor; see `raised_table`.

    Raises:
        InputError: no plane holds enough of the picture.
    """
    points = deproject(depth, intrinsics).astype(np.float64)
    floor = _largest_plane(points, rng, trials)
    seen = apply(floor.world_from_camera, points)
    rise = raised_table(seen, 0.0)
    if rise is None:
        return floor
    with np.errstate(invalid="ignore"):
        near = np.abs(seen[..., 2] - rise) < 2 * _NEAR_PLANE
    up = floor.world_from_camera[2, :3]
    plane = _refined(points[near], up, rise - float(floor.world_from_camera[2, 3]))
    share = float((plane.away(points[np.isfinite(points[..., 2])]) < _NEAR_PLANE).mean())
    return Table(_world_on(plane.normal, plane.offset, plane.middle), share, rise)


@dataclass(frozen=True, eq=False)
class _Plane:
    """normal . p = offset, m, with a point in its middle."""

    normal: FloatArray
    offset: float
    middle: FloatArray

    def away(self, points: FloatArray) -> FloatArray:
        """(N,) m from points (N, 3)."""
        distance: FloatArray = np.abs(points @ self.normal - self.offset)
        return distance


def _largest_plane(points: FloatArray, rng: np.random.Generator, trials: int) -> Table:
    """Of points (H, W, 3) m."""
    measured = points[np.isfinite(points[..., 2])]
    if len(measured) < 3:
        raise InputError(
            given=f"depth with {len(measured)} measured pixels",
            wanted="enough to fit a table to, or the camera's pose",
        )
    few = measured[rng.choice(len(measured), min(3000, len(measured)), replace=False)]
    corners = few[rng.integers(0, len(few), (trials, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1)
    normals = normals[length > 1e-6] / length[length > 1e-6, None]
    offsets = (normals * corners[length > 1e-6, 0]).sum(axis=1)
    if not len(normals):
        raise InputError(
            given="depth whose points lie on one line",
            wanted="a picture of a table, or the camera's pose",
        )
    votes = (np.abs(few @ normals.T - offsets) < _NEAR_PLANE).sum(axis=0)
    plane = _refined(measured, normals[votes.argmax()], float(offsets[votes.argmax()]))
    share = float((plane.away(measured) < _NEAR_PLANE).mean())
    if share < _ENOUGH:
        wanted = f"a table that fills at least {_ENOUGH:.0%}, or the camera's pose"
        raise InputError(
            given=f"depth whose largest plane holds {share:.0%} of the pixels", wanted=wanted
        )
    return Table(_world_on(plane.normal, plane.offset, plane.middle), share)


def _refined(points: FloatArray, normal: FloatArray, offset: float) -> _Plane:
    """The plane through the points (N, 3) m that lie near normal . p = offset."""
    plane = _Plane(normal, offset, np.zeros(3))
    for _ in range(3):
        near = points[plane.away(points) < _NEAR_PLANE]
        middle = near.mean(axis=0)
        normal = np.linalg.eigh(np.cov((near - middle).T))[1][:, 0]
        plane = _Plane(normal, float(normal @ middle), middle)
    return plane


def _world_on(normal: FloatArray, offset: float, middle: FloatArray) -> FloatArray:
    """world_from_camera of the world on the plane normal . p = offset, all in the camera's
    frame."""
    up = -normal if offset > 0 else normal
    # The camera is above the table: its own position, the zero vector, has to be on the side that
    # `up` points to.
    along_axis = offset / normal[2] if abs(normal[2]) > 0.2 else -1.0
    origin = np.array([0.0, 0.0, along_axis]) if along_axis > 0 else middle
    right = np.array([1.0, 0.0, 0.0]) - up[0] * up
    right /= np.linalg.norm(right)
    camera_from_world = pose(
        rotation=np.column_stack([right, np.cross(up, right), up]), translation=origin
    )
    return inverse(camera_from_world)


def surface_height(
    depth: NDArray[np.float32], intrinsics: FloatArray, world_from_camera: FloatArray
) -> float:
    """m, the world height of the table, where the camera's pose is known: the one that most of the
    picture lies at, or of a table that stands there; see `raised_table`.

    Raises:
        InputError: depth without a return.
    """
    points = apply(world_from_camera, deproject(depth, intrinsics))
    z = points[..., 2][np.isfinite(points[..., 2])]
    if not len(z):
        raise InputError(given="depth without a single return", wanted="a depth picture of a table")
    counts, edges = np.histogram(z, bins=max(1, int(np.ptp(z) / 0.005)))
    likeliest = counts.argmax()
    near = z[(z >= edges[likeliest] - 0.005) & (z <= edges[likeliest + 1] + 0.005)]
    floor = float(np.median(near))
    raised = raised_table(points, floor)
    return floor if raised is None else raised


def visible_workspace(
    depth: NDArray[np.float32],
    intrinsics: FloatArray,
    world_from_camera: FloatArray,
    surface: float,
) -> Workspace:
    """The box over the part of the table at world height `surface` m that the picture shows, at
    most 1 m a side: of a larger part that around the picture's middle.

    Raises:
        InputError: nothing in the picture lies at that height.
    """
    points = apply(world_from_camera, deproject(depth, intrinsics).reshape(-1, 3))
    with np.errstate(invalid="ignore"):
        is_on_table = np.abs(points[:, 2] - surface) < 2 * _NEAR_PLANE
    on_table = points[is_on_table]
    if len(on_table) < 10:
        heights = np.nanpercentile(points[:, 2], [2, 98])
        exists = f"heights from {heights[0]:.3f} to {heights[1]:.3f} m"
        raise InputError(
            given=f"a table at {surface:.3f} m",
            wanted="a height that the picture shows",
            exists=exists,
        )
    low, high = np.percentile(on_table[:, :2], [1, 99], axis=0)
    half = np.clip((high - low) / 2, 0.01, _LARGEST / 2)
    # A tilted camera sees far more of the table behind the picture's middle than before it.
    looked_at = on_table[_from_middle(depth.shape)[is_on_table].argmin(), :2]
    middle = np.where(
        high - low > _LARGEST,
        looked_at.clip(low + half, np.maximum(high - half, low + half)),
        (low + high) / 2,
    )
    return Workspace(
        np.append(middle - half, surface + _FINGER_ROOM),
        np.append(middle + half, surface + _HEADROOM),
        surface,
    )


def _from_middle(size: tuple[int, ...]) -> FloatArray:
    """(H * W,) px from each pixel to the picture's middle."""
    rows, columns = np.indices(size)
    away: FloatArray = np.hypot(rows - (size[0] - 1) / 2, columns - (size[1] - 1) / 2).ravel()
    return away
