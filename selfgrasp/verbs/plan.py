"""`selfgrasp plan`: one picture in, ranked grasps out."""

from __future__ import annotations

import json as json_format
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from selfgrasp.common.checks import check_minimum

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selfgrasp.core import Context, Grasp, Plan, Policy, View


@dataclass(frozen=True)
class Args:
    """Plan grasps for one RGB-D picture of things on a table, from any camera, and print them as
    JSON.

    Without a pose the table is found in the depth picture, and the world is the table's: z up, x
    along the picture's right.
    """

    color: Path
    """Colour picture, PNG or JPEG."""

    depth: Path
    """Depth picture of the same size: a 16-bit PNG in millimetres, or a NumPy array in metres; 0
    and NaN are holes."""

    intrinsics: Path
    """JSON or YAML: fx, fy, cx, cy; K; a nested matrix; RealSense's ppx, ppy; or a ROS camera
    info."""

    policy: str = "supersizing"
    """A policy's name, or a run's folder."""

    pose: Path | None = None
    """world_from_camera, a 4 x 4 matrix as JSON or NumPy array; world z has to point up."""

    table: float | None = None
    """Height of the table in the world, m; by default where most of the picture lies. Only with a
    pose."""

    out: Path | None = None
    """Where to write the picture with the grasps drawn on it, PNG."""

    json: Path | None = None
    """Where to write the grasps; by default they are printed."""

    top: int = 10
    """How many grasps."""

    opening: float = 0.085
    """m between the gripper's fingers when open."""

    finger_thickness: float = 0.010
    """m of a finger along the closing direction."""

    finger_breadth: float = 0.020
    """m of a finger across the closing direction."""

    finger_length: float = 0.055
    """m from the fingertip to the palm."""

    depth_scale: float | None = None
    """Metres per unit of the depth file; by default 0.001 for integers and 1 for floating point."""

    pixel_origin: Literal["centre", "corner"] = "centre"
    """Where (0, 0) of the intrinsics lies in the top-left pixel: its centre (OpenCV, ROS,
    RealSense) or its corner (selfgrasp)."""

    seed: int = 0
    """Of the policy's random choices and of the table's fit."""


def run(args: Args, policy: Policy | None = None) -> int:
    """Read the picture, plan with `policy` (by default the one that `args` names), write what was
    asked for."""
    from selfgrasp.core import Grasp, InputError

    check_minimum(args, top=1)
    if args.table is not None and args.pose is None:
        raise InputError(
            given=f"--table {args.table} without --pose",
            wanted="both, or neither: without a pose the table is found in the depth picture",
        )
    context, world = read_context(args)
    if policy is None:
        from selfgrasp.rollout.policies import load_policy

        policy = load_policy(args.policy)
    plan = policy.plan(context)
    if plan.actions and not any(isinstance(action, Grasp) for action in plan.actions):
        raise InputError(
            given=f"policy {policy.name}, which moves and looks again",
            wanted="one that plans whole grasps from one picture, as supersizing",
        )
    view = context.observation.view()
    document = describe(plan, context, world, policy=policy.name, top=args.top)
    text = json_format.dumps(document, indent=2)
    if args.out is not None:
        from selfgrasp.viz.overlay import overlay, write_picture

        write_picture(
            args.out,
            overlay(
                view, [plan.actions[i] for i in ranked(plan)[: args.top]], context.spec.gripper
            ),
        )
    if args.json is None:
        print(text)
        return 0
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text(text + "\n")
    print(
        f"{len(document['grasps'])} grasps in {args.json}"
        if document["grasps"]
        else f"no grasp: {plan.reason}"
    )
    return 0


def read_context(args: Args) -> tuple[Context, str]:
    """What the policy is given, and how its world was found.

    Raises:
        InputError: a file that is missing, malformed, or does not fit the others.
    """
    import numpy as np

    from selfgrasp.codec.camera_files import read_color, read_depth, read_intrinsics, read_pose
    from selfgrasp.core import (
        CameraSpec,
        CellSpec,
        Context,
        GripperSpec,
        Hand,
        InputError,
        Observation,
        View,
    )
    from selfgrasp.core.pose import top_down
    from selfgrasp.vision.table import fit_table, surface_height, visible_workspace

    color = read_color(args.color)
    depth = read_depth(args.depth, scale=args.depth_scale)
    if depth.shape != color.shape[:2]:
        raise InputError(
            given=f"depth of {depth.shape[1]} x {depth.shape[0]} px beside color of "
            f"{color.shape[1]} "
            f"x {color.shape[0]} px",
            wanted="the same size, with the depth registered to the color picture",
        )
    intrinsics = read_intrinsics(args.intrinsics, *depth.shape, origin=args.pixel_origin)
    if args.pose is None:
        # A picture whose intrinsics are wrong has to fail on those and not on the table that they
        # bend.
        View(color, depth, intrinsics, np.eye(4))
        table = fit_table(depth, intrinsics, np.random.default_rng(args.seed))
        world_from_camera, surface = table.world_from_camera, 0.0
        world = (
            f"fitted: the largest plane, {table.share:.0%} of the picture, is z = 0; x along the "
            "picture's right; origin where the optical axis meets it"
        )
    else:
        world_from_camera = read_pose(args.pose)
        surface = (
            surface_height(depth, intrinsics, world_from_camera)
            if args.table is None
            else args.table
        )
        world = f"given by {args.pose.name}; table at z = {surface:.4f} m"
    view = View(color, depth, intrinsics, world_from_camera)
    workspace = visible_workspace(depth, intrinsics, world_from_camera, surface)
    gripper = GripperSpec(
        args.opening, args.finger_thickness, args.finger_breadth, args.finger_length, max_force=40.0
    )
    spec = CellSpec(
        "picture",
        gripper,
        workspace,
        {"camera": CameraSpec(*view.size, intrinsics, world_from_camera)},
        {},
    )
    hand = Hand(top_down((*workspace.low[:2], workspace.high[2]), 0.0), gripper.opening, 0.0)
    return Context(Observation(0.0, {"camera": view}, hand), spec, seed=args.seed), world


def ranked(plan: Plan) -> list[int]:
    """Indices of the plan's actions, the chosen one first, then by score."""
    order = sorted(range(len(plan.actions)), key=lambda i: (i != plan.chosen, -plan.scores[i]))
    return [int(i) for i in order]


def describe(plan: Plan, context: Context, world: str, *, policy: str, top: int) -> dict[str, Any]:
    """The answer as plain JSON values."""
    from selfgrasp.core import Grasp

    view, workspace = context.observation.view(), context.spec.workspace
    grasps: list[dict[str, Any]] = []
    for i in ranked(plan):
        action = plan.actions[i]
        if isinstance(action, Grasp) and len(grasps) < top:
            grasps.append(
                {
                    "rank": len(grasps) + 1,
                    "score": float(plan.scores[i]),
                    **describe_grasp(action, view),
                }
            )
    return {
        "policy": policy,
        "world": world,
        "pixels": "u right, v down; the centre of the top-left pixel is (0.5, 0.5); angles in rad, "
        "lengths in m",
        "calibrated": plan.calibrated,
        "reason": plan.reason or ("" if grasps else "the policy proposes no grasp"),
        "grasps": grasps,
        "world_from_camera": view.world_from_camera.tolist(),
        "workspace": {
            "low": workspace.low.tolist(),
            "high": workspace.high.tolist(),
            "surface": workspace.surface,
        },
    }


def describe_grasp(grasp: Grasp, view: View) -> dict[str, Any]:
    """A grasp in the picture, in the camera's frame and in the world; `pixel` is where the point
    between the fingertips projects to."""
    from selfgrasp.core.pose import inverse, yaw_of
    from selfgrasp.vision.project import project_world

    centre, closing = grasp.world_from_tool[:3, 3], grasp.world_from_tool[:3, 0]
    ends: NDArray[np.float64] = project_world(centre + closing * [[0.0], [-0.005], [0.005]], view)
    across = ends[2] - ends[1]
    angle = math.remainder(math.atan2(across[1], across[0]), math.pi)
    return {
        "pixel": ends[0].tolist(),
        "image_angle": angle,
        "yaw": yaw_of(grasp.world_from_tool),
        "width": grasp.width,
        "world_from_tool": grasp.world_from_tool.tolist(),
        "camera_from_tool": (inverse(view.world_from_camera) @ grasp.world_from_tool).tolist(),
    }
