"""Pictures of boxes and cylinders on a table by analytic ray casting: views whose answer is
known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from selfgrasp.core import (
    CameraSpec,
    CellSpec,
    Context,
    GripperSpec,
    Hand,
    Observation,
    View,
    Workspace,
)
from selfgrasp.core.pose import inverse, looking_at, rotation_about_z, top_down
from selfgrasp.vision.project import rays

GRIPPER = GripperSpec(
    opening=0.085, finger_thickness=0.010, finger_breadth=0.020, finger_length=0.045, max_force=40.0
)
WORKSPACE = Workspace(np.array([-0.2, -0.2, 0.004]), np.array([0.2, 0.2, 0.35]), 0.0)


@dataclass(frozen=True)
class Box:
    """An upright box: centre xy m, sizes m, yaw rad, bottom m."""

    xy: tuple[float, float]
    size: tuple[float, float, float]
    yaw: float = 0.0
    bottom: float = 0.0
    color: tuple[int, int, int] = (200, 60, 40)

    def hit(self, eye, directions):
        turn = rotation_about_z(-self.yaw)
        o = turn @ (eye - np.array([*self.xy, self.bottom + self.size[2] / 2]))
        d = directions @ turn.T
        half = np.array(self.size) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            t1, t2 = (-half - o) / d, (half - o) / d
        near, far = np.minimum(t1, t2).max(-1), np.maximum(t1, t2).min(-1)
        return np.where((near <= far) & (near > 0), near, np.inf)


@dataclass(frozen=True)
class Cylinder:
    """An upright cylinder: centre xy m, radius m, height m."""

    xy: tuple[float, float]
    radius: float
    height: float
    color: tuple[int, int, int] = (40, 90, 200)

    def hit(self, eye, directions):
        o = eye - np.array([*self.xy, 0.0])
        a = directions[..., 0] ** 2 + directions[..., 1] ** 2
        b = o[0] * directions[..., 0] + o[1] * directions[..., 1]
        c = o[0] ** 2 + o[1] ** 2 - self.radius**2
        with np.errstate(divide="ignore", invalid="ignore"):
            side = (-b - np.sqrt(b * b - a * c)) / a
            side = np.where(
                (side > 0)
                & (np.abs(o[2] + side * directions[..., 2] - self.height / 2) <= self.height / 2),
                side,
                np.inf,
            )
            lid = (self.height - o[2]) / directions[..., 2]
        at = o + lid[..., None] * directions
        lid = np.where((lid > 0) & (np.hypot(at[..., 0], at[..., 1]) <= self.radius), lid, np.inf)
        return np.fmin(side, lid)


def camera(
    tilt_deg: float = 0.0, *, distance: float = 0.65, around_deg: float = -90.0
) -> np.ndarray:
    """world_from_camera of an overhead camera that leans by `tilt_deg` towards azimuth `around_deg`
    and looks at the origin."""
    tilt, around = math.radians(tilt_deg), math.radians(around_deg)
    eye = distance * np.array(
        [math.sin(tilt) * math.cos(around), math.sin(tilt) * math.sin(around), math.cos(tilt)]
    )
    return looking_at(eye, (0, 0, 0))


def render(
    shapes,
    *,
    width=160,
    height=160,
    fov=0.62,
    world_from_camera=None,
    table=0.0,
    noise=0.0,
    holes=0.0,
    seed=0,
) -> View:
    """A view of `shapes` on a table; `fov` m is what the picture's shorter side shows at 0.65 m;
    noise m; holes = share of the pixels."""
    pose = camera() if world_from_camera is None else world_from_camera
    focal = 0.65 * min(width, height) / fov
    intrinsics = np.array(
        [[focal, 0, width / 2 + 0.7], [0, focal * 1.01, height / 2 - 1.2], [0, 0, 1]]
    )
    directions = rays(height, width, intrinsics).astype(np.float64) @ pose[:3, :3].T
    eye = pose[:3, 3]
    with np.errstate(divide="ignore"):
        depth = (table - eye[2]) / directions[..., 2]
    depth[depth <= 0] = np.nan
    color = np.full((height, width, 3), 150, np.uint8)
    at = eye + depth[..., None] * directions
    color[(np.floor(at[..., 0] / 0.05) + np.floor(at[..., 1] / 0.05)) % 2 == 0] = 130
    for shape in shapes:
        t = shape.hit(eye, directions)
        nearer = t < np.nan_to_num(depth, nan=np.inf)
        depth[nearer] = t[nearer]
        color[nearer] = shape.color
    rng = np.random.default_rng(seed)
    depth += rng.normal(0, noise, depth.shape) if noise else 0.0
    depth[rng.random(depth.shape) < holes] = np.nan
    depth[depth > 9] = np.nan
    return View(color, depth.astype(np.float32), intrinsics, pose)


def context(
    view: View,
    *,
    workspace: Workspace = WORKSPACE,
    gripper: GripperSpec = GRIPPER,
    seed: int = 0,
) -> Context:
    """A context with one overhead view."""
    hand = Hand(top_down((0.3, 0.3, 0.3), 0.0), gripper.opening, 0.0)
    spec = CellSpec(
        "test",
        gripper,
        workspace,
        {
            "overhead": CameraSpec(
                *view.size, view.intrinsics, view.world_from_camera, view.depth is not None
            )
        },
        {},
    )
    return Context(Observation(0.0, {"overhead": view}, hand), spec, seed=seed)


def without_depth(view: View) -> View:
    """The same picture from a monocular camera."""
    return View(view.color, None, view.intrinsics, view.world_from_camera)


__all__ = [
    "GRIPPER",
    "WORKSPACE",
    "Box",
    "Cylinder",
    "camera",
    "context",
    "inverse",
    "render",
    "without_depth",
]
