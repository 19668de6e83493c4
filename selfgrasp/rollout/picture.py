"""Plan grasps and pushes for one RGB-D picture of things on a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    Push,
    View,
)
from selfgrasp.core.pose import inverse, top_down, yaw_of
from selfgrasp.rollout.picture_files import PictureFiles, read_pictures
from selfgrasp.rollout.picture_place import kept_inside, only_near, place_of
from selfgrasp.rollout.picture_view import PictureView, view_note, view_of
from selfgrasp.rollout.picture_world import find_world
from selfgrasp.vision.project import project_world
from selfgrasp.vision.region import Region

FRAMES = {
    "world": "z up; see world",
    "camera": "of the colour picture: x right, y down, z forward along the optical axis",
    "tool": "origin between the fingertips, z the direction of approach, x the closing direction",
    "world_from_tool": "brings a point of the tool's frame into the world's",
    "camera_from_tool": "brings a point of the tool's frame into the camera's",
}
PIXELS = (
    "u right, v down; the centre of the top-left pixel is (0.5, 0.5); angles in rad, lengths in m"
)


@dataclass(frozen=True, eq=False)
class PictureContext:
    """What a policy is given.

    Attributes:
        context: of the whole picture.
        region: where grasps may be.
        world: how the world was found, in words.
        notes: what was assumed, in words.
    """

    context: Context
    region: Region
    world: str
    notes: tuple[str, ...] = ()


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
class PicturePush:
    """A push in the picture and in the world.

    Attributes:
        rank: 1 is the chosen one, among grasps and pushes.
        score: higher is better.
        pixel: (2,) px, where its start projects to.
        end_pixel: (2,) px, where its end does.
        start: (3,) m in the world, where the closed fingertips touch down.
        yaw: rad, its direction in the world.
        length: m.
    """

    rank: int
    score: float
    pixel: list[float]
    end_pixel: list[float]
    start: list[float]
    yaw: float
    length: float


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
        frames: what the axes of each frame are.
        notes: what was assumed, and what to beware of.
        pixels: the convention of pixels, in words.
        calibrated: whether scores are probabilities.
        reason: why there is neither a grasp nor a push; empty when there is one.
        grasps: the best first.
        pushes: the best first.
        world_from_camera: (4, 4).
        view: from where the camera looks.
        workspace: see there.
    """

    policy: str
    world: str
    frames: dict[str, str]
    notes: list[str]
    pixels: str
    calibrated: bool
    reason: str
    grasps: list[PictureGrasp]
    pushes: list[PicturePush]
    world_from_camera: list[list[float]]
    view: PictureView
    workspace: PictureWorkspace


def read_context(
    files: PictureFiles,
    gripper: GripperSpec,
    *,
    corners: tuple[float, ...] = (),
    seed: int = 0,
) -> PictureContext:
    """What a policy is given for a picture.

    Args:
        files: the picture.
        gripper: which shall grasp.
        corners: m, two opposite corners of the workspace in the world: x y x y or x y z x y z;
            empty for the table's own patch.
        seed: of the policy's random choices and of the table's fit.

    Raises:
        InputError: a file that is missing, malformed, or does not fit the others; a height of the
            table without a pose; a place for grasps that the picture does not show.
    """
    if files.table is not None and files.pose is None:
        raise InputError(
            given=f"--table {files.table} without --pose",
            wanted="both, or neither: without a pose the table is found in the depth picture",
        )
    shown = read_pictures(files, opening=gripper.opening)
    depth, intrinsics = shown.depth, shown.intrinsics
    found = find_world(files, shown, seed)
    world_from_camera, surface = found.world_from_camera, found.surface
    view = View(shown.color, depth, intrinsics, world_from_camera)
    place = place_of(view, shown.wanted, corners, surface)
    spec = CellSpec(
        "picture",
        gripper,
        place.workspace,
        {"camera": CameraSpec(*view.size, intrinsics, world_from_camera)},
        {},
    )
    low, high = place.workspace.low, place.workspace.high
    hand = Hand(top_down((*low[:2], high[2]), 0.0), gripper.opening, 0.0)
    context = Context(Observation(0.0, {"camera": view}, hand), spec, seed=seed)
    far = view_note(view_of(view, place.workspace))
    notes = (*shown.notes, *found.notes, *((far,) if far else ()))
    return PictureContext(context, place.region, found.words, notes)


def plan_grasps(policy: Policy, read: PictureContext) -> Plan:
    """The policy's plan, without what lies outside of the region.

    What stands beside the region is shown to the policy as far as the fingers reach, so that they
    do not meet it; where it proposes only that, it is shown the region alone.

    Raises:
        InputError: a policy that plans something else than grasps and pushes.
    """
    gripper = read.context.spec.gripper
    reach = gripper.opening / 2 + gripper.finger_thickness + gripper.finger_breadth
    for margin in (reach, 0.0):
        plan = policy.plan(only_near(read.context, read.region.grown(margin)))
        if not plan.actions:
            return plan
        if not any(isinstance(action, Grasp | Push) for action in plan.actions):
            raise InputError(
                given=f"policy {policy.name}, which moves and looks again",
                wanted="one that plans whole grasps or pushes from one picture, as supersizing",
            )
        kept = kept_inside(plan, read.region)
        if kept.actions:
            return kept
    return kept


def ranked(plan: Plan) -> Sequence[int]:
    """Indices of the plan's actions, the chosen one first, then by score."""
    order = sorted(range(len(plan.actions)), key=lambda i: (i != plan.chosen, -plan.scores[i]))
    return [int(i) for i in order]


def describe(plan: Plan, read: PictureContext, *, policy: str, top: int) -> PicturePlan:
    """The best `top` grasps and pushes of a plan, in plain values."""
    view, workspace = read.context.observation.view(), read.context.spec.workspace
    grasps: list[PictureGrasp] = []
    pushes: list[PicturePush] = []
    whole = [i for i in ranked(plan) if isinstance(plan.actions[i], Grasp | Push)]
    for rank, i in enumerate(whole[:top], 1):
        action, score = plan.actions[i], float(plan.scores[i])
        match action:
            case Grasp():
                grasps.append(_described(action, view, rank=rank, score=score))
            case Push():
                pushes.append(_described_push(action, view, rank=rank, score=score))
    return PicturePlan(
        policy=policy,
        world=read.world,
        frames=FRAMES,
        notes=list(read.notes),
        pixels=PIXELS,
        calibrated=plan.calibrated,
        reason=plan.reason or ("" if grasps or pushes else "the policy proposes no grasp"),
        grasps=grasps,
        pushes=pushes,
        world_from_camera=view.world_from_camera.tolist(),
        view=view_of(view, workspace),
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


def _described_push(push: Push, view: View, *, rank: int, score: float) -> PicturePush:
    pixel, end_pixel = project_world(np.stack([push.start, push.end]), view).tolist()
    return PicturePush(rank, score, pixel, end_pixel, push.start.tolist(), push.yaw, push.length)
