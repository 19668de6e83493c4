"""Boxes on a table seen from above, grasps and pushes of them whose truth follows from geometry.

Data to test learners on, without a simulator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import (
    ANYTHING,
    Attempt,
    CameraSpec,
    Candidates,
    CellSpec,
    Context,
    Fault,
    Grasp,
    GripperSpec,
    Hand,
    Observation,
    Outcome,
    Push,
    Step,
    View,
    Workspace,
)
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import looking_at, rotation_about_z, top_down
from selfgrasp.learn import MemorySource, Split

HALF = 0.15
"""m, half the side of the workspace."""
_HEIGHT_OF_CAMERA = 0.7
_INSERTION = 0.025


@dataclass(frozen=True, eq=False)
class Boxes:
    """M upright boxes that stand on the table: centres xy (M, 2) m, sizes (M, 3) m, yaws (M,) rad,
    colours (M, 3) uint8."""

    xy: FloatArray
    sizes: FloatArray
    yaws: FloatArray
    colors: NDArray[np.uint8]

    def heights_at(self, points: FloatArray) -> FloatArray:
        """(...,) m, the height of what stands at `points` (..., 2) m; 0 on the table."""
        out = np.zeros(points.shape[:-1])
        for xy, size, yaw in zip(self.xy, self.sizes, self.yaws, strict=True):
            local = (points - xy) @ rotation_about_z(yaw)[:2, :2]
            out = np.where(
                (np.abs(local) <= size[:2] / 2).all(axis=-1), np.maximum(out, size[2]), out
            )
        return out

    def without(self, index: int) -> Boxes:
        """All but one."""
        kept = np.arange(len(self.xy)) != index
        return Boxes(self.xy[kept], self.sizes[kept], self.yaws[kept], self.colors[kept])

    def moved(self, index: int, by: FloatArray) -> Boxes:
        """All of them, one moved `by` (2,) m."""
        xy = self.xy.copy()
        xy[index] += by
        return replace(self, xy=xy)

    def only(self, index: int) -> Boxes:
        """One of them, in the middle of the table, square to the picture."""
        return Boxes(np.zeros((1, 2)), self.sizes[[index]], np.zeros(1), self.colors[[index]])


def box_spec(*, pixels: int = 128) -> CellSpec:
    """A workspace of 0.3 m under one overhead camera of `pixels` px, with an 85 mm gripper."""
    focal = pixels * _HEIGHT_OF_CAMERA / (2 * HALF + 0.2)
    intrinsics = np.array([[focal, 0, pixels / 2], [0, focal, pixels / 2], [0, 0, 1.0]])
    camera = CameraSpec(
        pixels, pixels, intrinsics, looking_at((0, 0, _HEIGHT_OF_CAMERA), (0, 0, 0))
    )
    gripper = GripperSpec(
        opening=0.085,
        finger_thickness=0.01,
        finger_breadth=0.02,
        finger_length=0.045,
        max_force=40.0,
    )
    workspace = Workspace(np.array([-HALF, -HALF, 0.004]), np.array([HALF, HALF, 0.3]), 0.0)
    return CellSpec("boxes", gripper, workspace, {"overhead": camera}, {})


def box_scene(rng: np.random.Generator, *, count: int = 4) -> Boxes:
    """Up to `count` boxes, some of them too wide for the gripper in one or both directions; none
    inside another."""
    xy: list[FloatArray] = []
    sizes: list[FloatArray] = []
    for _ in range(4 * count):
        place, size = (
            rng.uniform(-HALF + 0.03, HALF - 0.03, 2),
            rng.uniform((0.02, 0.02, 0.02), (0.07, 0.13, 0.07)),
        )
        if rng.random() < 0.2:
            size[:2] = rng.uniform(0.1, 0.13, 2)
        if (
            all(
                np.hypot(*(place - other)) > (size[:2].max() + s[:2].max()) / 2
                for other, s in zip(xy, sizes, strict=True)
            )
            and len(xy) < count
        ):
            xy.append(place)
            sizes.append(size)
    m = len(xy)
    return Boxes(
        np.array(xy),
        np.array(sizes),
        rng.uniform(0, math.pi, m),
        rng.integers(30, 256, (m, 3)).astype(np.uint8),
    )


def box_view(
    boxes: Boxes, spec: CellSpec, rng: np.random.Generator, *, noise: float = 0.001
) -> View:
    """What the camera sees, by marching each ray down through thin slices; depth with `noise` m."""
    camera = spec.cameras["overhead"]
    k, pose = np.asarray(camera.intrinsics), np.asarray(camera.world_from_camera)
    v, u = np.mgrid[: camera.height, : camera.width] + 0.5
    directions = (
        np.stack([(u - k[0, 2]) / k[0, 0], (v - k[1, 2]) / k[1, 1], np.ones_like(u)], axis=-1)
        @ pose[:3, :3].T
    )
    eye, depth = pose[:3, 3], np.full(u.shape, np.inf)
    color = np.full((*u.shape, 3), 140, np.uint8)
    table = -eye[2] / directions[..., 2]
    for xy, size, yaw, paint in zip(boxes.xy, boxes.sizes, boxes.yaws, boxes.colors, strict=True):
        turn = rotation_about_z(yaw)
        o, d = (eye - (*xy, size[2] / 2)) @ turn, directions @ turn
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (-size / 2 - o) / d, (size / 2 - o) / d
        near, far = np.minimum(one, other).max(axis=-1), np.maximum(one, other).min(axis=-1)
        hit = (near <= far) & (near > 0) & (near < depth)
        depth[hit], color[hit] = near[hit], paint
    depth = np.minimum(depth, table) + rng.normal(0, noise, u.shape)
    return View(color, depth.astype(np.float32), camera.intrinsics, camera.world_from_camera)


@dataclass(frozen=True)
class Grasped:
    """What came of a grasp.

    Attributes:
        outcome: of the attempt.
        box: index of the one that is held, where one is.
    """

    outcome: Outcome
    box: int | None = None


def box_outcome(boxes: Boxes, grasp: Grasp, spec: CellSpec) -> Outcome:
    """The truth: held if one box fills the line between the fingertips, fits, is met nearly square,
    and neither finger lands on anything."""
    return box_grasped(boxes, grasp, spec).outcome


def box_grasped(boxes: Boxes, grasp: Grasp, spec: CellSpec) -> Grasped:
    """See `box_outcome`; and which box is held."""
    pose, opening = grasp.world_from_tool, spec.gripper.opening
    center, closing, z = pose[:2, 3], pose[:2, 0], pose[2, 3]
    across = np.array([-closing[1], closing[0]])
    reach = (opening + spec.gripper.finger_thickness) / 2
    fingers = np.array(
        [
            center + side * reach * closing + t * across
            for side in (-1, 1)
            for t in (-0.008, 0.0, 0.008)
        ]
    )
    if (boxes.heights_at(fingers) > z).any():
        return Grasped(Outcome(False, opening, 0.0, 0.0, Fault.BLOCKED))
    line = center + np.linspace(-opening / 2, opening / 2, 81)[:, None] * closing
    for index, (xy, size, yaw) in enumerate(zip(boxes.xy, boxes.sizes, boxes.yaws, strict=True)):
        local = (line - xy) @ rotation_about_z(yaw)[:2, :2]
        inside = (np.abs(local) <= size[:2] / 2 - 0.003).all(axis=-1)
        slant = (math.atan2(closing[1], closing[0]) - yaw) % (math.pi / 2)
        if (
            inside.any()
            and size[2] > z + 0.005
            and min(slant, math.pi / 2 - slant) < math.radians(25)
        ):
            width = float(inside.sum() / 80 * opening)
            outcome = Outcome(width > 0.01, min(width, opening), 20.0, 0.05)
            return Grasped(outcome, index if outcome.grasped else None)
    return Grasped(Outcome(False, 0.0, 0.0, 0.0))


def box_attempts(
    scenes: int, *, grasps: int = 8, pushes: int = 0, seed: int = 0, spec: CellSpec | None = None
) -> list[Attempt]:
    """`grasps` random grasps on each of `scenes` scenes, and then `pushes` of a box.

    Those of one scene start from its first picture and share its state group. The look after a
    grasp that holds lacks the box, which is presented to the camera; after a push it is elsewhere;
    else only the noise of the depth is another.
    """
    spec = spec or box_spec()
    out = []
    for scene in range(scenes):
        rng = np.random.default_rng([seed, scene])
        boxes = box_scene(rng)
        before = observation(box_view(boxes, spec, rng), spec)
        # A generator of its own: looks after an attempt change no grasp that follows.
        after = np.random.default_rng([seed, scene, 1])
        unchanged = observation(box_view(boxes, spec, after), spec)
        for index in range(grasps + pushes):
            seen, present = unchanged, None
            action: Grasp | Push
            if index < grasps:
                action = _random_grasp(boxes, spec, rng)
                hand = Hand(action.world_from_tool, action.width, 0.0)
                grasped = box_grasped(boxes, action, spec)
                outcome = grasped.outcome
                if grasped.box is not None:
                    rest, held = boxes.without(grasped.box), boxes.only(grasped.box)
                    seen = observation(box_view(rest, spec, after), spec)
                    present = box_view(held, spec, after)
            else:
                pushed = int(rng.integers(len(boxes.xy)))
                action, by = _push(boxes, pushed, spec)
                hand = Hand(top_down(action.start, action.yaw), 0.0, 0.0)
                seen = observation(box_view(boxes.moved(pushed, by), spec, after), spec)
                differs = (seen.view().color != before.view().color).any(axis=-1)
                outcome = Outcome(False, 0.0, 0.0, float(differs.mean()))
            step = Step(None, action, action, hand, score=0.5)
            group = f"boxes-{seed}-{scene}"
            out.append(
                Attempt(
                    id=f"{group}-{index}",
                    session="boxes",
                    scene=scene,
                    index=index,
                    round=0,
                    state_group=group,
                    policy="random",
                    goal=ANYTHING,
                    before=before,
                    steps=(step,),
                    outcome=outcome,
                    after=seen,
                    present=present,
                )
            )
    return out


SECRET = "truth.secret"
"""A label of `box_source` that no method declares."""


def box_source(
    scenes: int, *, grasps: int = 8, pushes: int = 0, seed: int = 0, secret: str = "secret"
) -> MemorySource:
    """`box_attempts` as a source, whose every attempt has the label `SECRET` with the value
    `secret`; their grasps are its candidates, too."""
    attempts = box_attempts(scenes, grasps=grasps, pushes=pushes, seed=seed)
    source = MemorySource(
        attempts,
        box_spec(),
        {SECRET: dict.fromkeys((a.id for a in attempts), secret)},
        shares=(0.75, 0.25, 0.0),
    )
    parts: tuple[Split, ...] = ("train", "validation")
    tried = {part: tuple(source.attempts(part)) for part in parts}
    return replace(
        source,
        candidates_of={
            part: box_candidates(attempts)
            for part, attempts in tried.items()
            if any(isinstance(a.steps[-1].executed, Grasp) for a in attempts)
        },
    )


def box_candidates(attempts: Sequence[Attempt]) -> Candidates:
    """The grasps of attempts as candidates, with the labels of `selfgrasp candidates`: those that
    hold are robust, and all are free but those that were blocked."""
    tried = [(a.outcome, a.steps[-1].executed, a.before) for a in attempts]
    grasps = [
        (outcome, action, before.view())
        for outcome, action, before in tried
        if isinstance(action, Grasp) and before is not None
    ]
    held = np.array([outcome.grasped for outcome, _, _ in grasps], np.float32)
    blocked = np.array([outcome.fault is Fault.BLOCKED for outcome, _, _ in grasps])
    views = [view for _, _, view in grasps]
    return Candidates(
        depth=np.stack([view.depth for view in views if view.depth is not None]),
        intrinsics=np.stack([view.intrinsics for view in views]),
        world_from_camera=np.stack([view.world_from_camera for view in views]),
        objects=("box",) * len(grasps),
        view=np.arange(len(grasps)),
        world_from_tool=np.stack([action.world_from_tool for _, action, _ in grasps]),
        width=np.array([action.width for _, action, _ in grasps]),
        labels={
            "epsilon": 0.004 * held,
            "closure": held,
            "free": (~blocked).astype(np.float32),
            "resist": 2.0 * held,
        },
    )


def obvious_context() -> Context:
    """One box in the middle of the table that fits the gripper with room to spare: a policy that
    finds nothing to do here finds nothing anywhere."""
    spec, rng = box_spec(), np.random.default_rng(0)
    box = Boxes(
        np.zeros((1, 2)),
        np.array([[0.04, 0.09, 0.05]]),
        np.array([0.4]),
        np.array([[200, 60, 40]], np.uint8),
    )
    return Context(observation(box_view(box, spec, rng), spec), spec, seed=0)


def box_context(seed: int = 0) -> Context:
    """A scene that `box_attempts` with the same seed does not contain."""
    spec, rng = box_spec(), np.random.default_rng([seed, 1 << 20])
    return Context(observation(box_view(box_scene(rng), spec, rng), spec), spec, seed=seed)


def observation(view: View, spec: CellSpec) -> Observation:
    """One overhead view, the hand away."""
    return Observation(
        0.0,
        {"overhead": view},
        Hand(top_down((0.0, -2 * HALF, 0.3), 0.0), spec.gripper.opening, 0.0),
    )


def _random_grasp(boxes: Boxes, spec: CellSpec, rng: np.random.Generator) -> Grasp:
    """A point near the middle of a box, any angle, the fingertips a little below its top."""
    index = int(rng.integers(len(boxes.xy)))
    offset = rng.uniform(-0.45, 0.45, 2) * boxes.sizes[index, :2]
    xy = boxes.xy[index] + rotation_about_z(boxes.yaws[index])[:2, :2] @ offset
    xy = np.clip(xy, spec.workspace.low[:2], spec.workspace.high[:2])
    z = max(float(boxes.heights_at(xy)) - _INSERTION, float(spec.workspace.low[2]))
    return Grasp(top_down((xy[0], xy[1], z), float(rng.uniform(0, math.pi))), spec.gripper.opening)


def _push(boxes: Boxes, index: int, spec: CellSpec) -> tuple[Push, FloatArray]:
    """A push of one box by 2 cm along an axis of the table, and its way (2,) m.

    Of the four directions it is the first whose start and end lie in the workspace. The box counts
    as the circle around it.
    """
    xy, size = boxes.xy[index], boxes.sizes[index]
    gap, way = float(np.hypot(*size[:2])) / 2 + 0.02, 0.02
    z = float(spec.workspace.low[2]) + float(size[2]) / 2
    for yaw in (0.0, math.pi / 2, math.pi, -math.pi / 2):
        along = np.array([math.cos(yaw), math.sin(yaw)])
        start, end = np.array([*(xy - gap * along), z]), np.array([*(xy + way * along), z])
        if spec.workspace.contains(start) and spec.workspace.contains(end):
            break
    return Push(start, yaw, gap - float(np.hypot(*size[:2])) / 2 + way), way * along
