"""Plan grasps for one RGB-D picture of things on a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from selfgrasp.codec.camera_files import read_color, read_depth, read_intrinsics, read_pose
from selfgrasp.core import (
    CameraSpec,
    CellSpec,
    Context,
    Grasp,
    GripperSpec,
    Hand,
    InputError,
    Observation,
    Plan,
    Policy,
    View,
)
from selfgrasp.core.pose import inverse, top_down, yaw_of
from selfgrasp.vision.project import project_world
from selfgrasp.vision.table import fit_table, surface_height, visible_workspace

PIXELS = (
    "u right, v down; the centre of the top-left pixel is (0.5, 0.5); angles in rad, lengths in m"
)


@dataclass(frozen=True)
class PictureFiles:
    """Where a picture is, and how its files are to be read.

    Attributes:
        color: PNG or JPEG.
        depth: 16-bit PNG or NumPy array of the same size.
        intrinsics: JSON or YAML, see `codec.camera_files`.
        pose: (4, 4) world_from_camera; None finds the table in the depth picture.
        table: m, height of the table in the world; None where most of the picture lies.
        depth_scale: m per unit of the depth file; None is the file's usual one.
        pixel_origin: where (0, 0) of the intrinsics lies in the top-left pixel.
    """

    color: Path
    depth: Path
    intrinsics: Path
    pose: Path | None = None
    table: float | None = None
    depth_scale: float | None = None
    pixel_origin: Literal["centre", "corner"] = "centre"


@dataclass(frozen=True, eq=False)
class PictureContext:
    """What a policy is given, and how its world was found, in words."""

    context: Context
    world: str


@dataclass(frozen=True)
class PictureGrasp:
    """A grasp in the picture, in the camera's frame and in the world.

    Attributes:
        rank: 1 is the chosen one.
        score: higher is better.
        pixel: (2,) px, where the point between the fingertips projects to.
        image_angle: rad, of the closing direction in the picture.
        yaw: rad, of the closing direction in the world.
        width: m between the fingers.
        world_from_tool: (4, 4).
        camera_from_tool: (4, 4).
    """

    rank: int
    score: float
    pixel: list[float]
    image_angle: float
    yaw: float
    width: float
    world_from_tool: list[list[float]]
    camera_from_tool: list[list[float]]


@dataclass(frozen=True)
class PictureWorkspace:
    """Corners (3,) m of the workspace, and m of its surface, in the world."""

    low: list[float]
    high: list[float]
    surface: float


@dataclass(frozen=True)
class PicturePlan:
    """The answer, in plain values.

    Attributes:
        policy: its name.
        world: how the world was found.
        pixels: the convention of pixels, in words.
        calibrated: whether scores are probabilities.
        reason: why there is no grasp; empty when there is one.
        grasps: the best first.
        world_from_camera: (4, 4).
        workspace: see there.
    """

    policy: str
    world: str
    pixels: str
    calibrated: bool
    reason: str
    grasps: list[PictureGrasp]
    world_from_camera: list[list[float]]
    workspace: PictureWorkspace


def read_context(files: PictureFiles, gripper: GripperSpec, *, seed: int = 0) -> PictureContext:
    """What a policy is given for a picture.

    Args:
        files: the picture.
        gripper: which shall grasp.
        seed: of the policy's random choices and of the table's fit.

    Raises:
        InputError: a file that is missing, malformed, or does not fit the others; a height of the
            table without a pose.
    """
    if files.table is not None and files.pose is None:
        raise InputError(
            given=f"--table {files.table} without --pose",
            wanted="both, or neither: without a pose the table is found in the depth picture",
        )
    color = read_color(files.color)
    depth = read_depth(files.depth, scale=files.depth_scale)
    if depth.shape != color.shape[:2]:
        raise InputError(
            given=f"depth of {depth.shape[1]} x {depth.shape[0]} px beside color of "
            f"{color.shape[1]} x {color.shape[0]} px",
            wanted="the same size, with the depth registered to the color picture",
        )
    intrinsics = read_intrinsics(files.intrinsics, *depth.shape, origin=files.pixel_origin)
    if files.pose is None:
        # A picture whose intrinsics are wrong has to fail on those and not on the table that they
        # bend.
        View(color, depth, intrinsics, np.eye(4))
        table = fit_table(depth, intrinsics, np.random.default_rng(seed))
        world_from_camera, surface = table.world_from_camera, 0.0
        world = (
            f"fitted: the largest plane, {table.share:.0%} of the picture, is z = 0; x along the "
            "picture's right; origin where the optical axis meets it"
        )
    else:
        world_from_camera = read_pose(files.pose)
        surface = (
            surface_height(depth, intrinsics, world_from_camera)
            if files.table is None
            else files.table
        )
        world = f"given by {files.pose.name}; table at z = {surface:.4f} m"
    view = View(color, depth, intrinsics, world_from_camera)
    workspace = visible_workspace(depth, intrinsics, world_from_camera, surface)
    spec = CellSpec(
        "picture",
        gripper,
        workspace,
        {"camera": CameraSpec(*view.size, intrinsics, world_from_camera)},
        {},
    )
    hand = Hand(top_down((*workspace.low[:2], workspace.high[2]), 0.0), gripper.opening, 0.0)
    return PictureContext(Context(Observation(0.0, {"camera": view}, hand), spec, seed=seed), world)


def plan_grasps(policy: Policy, context: Context) -> Plan:
    """The policy's plan.

    Raises:
        InputError: a policy that plans something else than grasps.
    """
    plan = policy.plan(context)
    if plan.actions and not any(isinstance(action, Grasp) for action in plan.actions):
        raise InputError(
            given=f"policy {policy.name}, which moves and looks again",
            wanted="one that plans whole grasps from one picture, as supersizing",
        )
    return plan


def ranked(plan: Plan) -> Sequence[int]:
    """Indices of the plan's actions, the chosen one first, then by score."""
    order = sorted(range(len(plan.actions)), key=lambda i: (i != plan.chosen, -plan.scores[i]))
    return [int(i) for i in order]


def describe(plan: Plan, read: PictureContext, *, policy: str, top: int) -> PicturePlan:
    """The best `top` grasps of a plan, in plain values."""
    view, workspace = read.context.observation.view(), read.context.spec.workspace
    grasps: list[PictureGrasp] = []
    for i in ranked(plan):
        action = plan.actions[i]
        if isinstance(action, Grasp) and len(grasps) < top:
            grasps.append(
                _described(action, view, rank=len(grasps) + 1, score=float(plan.scores[i]))
            )
    return PicturePlan(
        policy=policy,
        world=read.world,
        pixels=PIXELS,
        calibrated=plan.calibrated,
        reason=plan.reason or ("" if grasps else "the policy proposes no grasp"),
        grasps=grasps,
        world_from_camera=view.world_from_camera.tolist(),
        workspace=PictureWorkspace(
            workspace.low.tolist(), workspace.high.tolist(), workspace.surface
        ),
    )


def _described(grasp: Grasp, view: View, *, rank: int, score: float) -> PictureGrasp:
    centre, closing = grasp.world_from_tool[:3, 3], grasp.world_from_tool[:3, 0]
    ends = project_world(centre + closing * [[0.0], [-0.005], [0.005]], view)
    across = ends[2] - ends[1]
    return PictureGrasp(
        rank=rank,
        score=score,
        pixel=ends[0].tolist(),
        image_angle=math.remainder(math.atan2(across[1], across[0]), math.pi),
        yaw=yaw_of(grasp.world_from_tool),
        width=grasp.width,
        world_from_tool=grasp.world_from_tool.tolist(),
        camera_from_tool=(inverse(view.world_from_camera) @ grasp.world_from_tool).tolist(),
    )
