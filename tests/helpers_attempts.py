"""Random valid attempts, sessions and a cell, for any test that needs data and no simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from selfgrasp.codec import session_key
from selfgrasp.core import (
    ANYTHING,
    Action,
    Attempt,
    CameraSpec,
    CellSpec,
    Close,
    Fault,
    Goal,
    Grasp,
    GripperSpec,
    Hand,
    Label,
    Move,
    Observation,
    Outcome,
    Push,
    Release,
    Session,
    Step,
    View,
    Workspace,
)
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import looking_at, top_down

OBJECTS = ("ball", "brick", "can", "cup", "die", "duck", "pen", "ring")


def intrinsics(size: int) -> FloatArray:
    return np.array([[1.2 * size, 0, size / 2], [0, 1.2 * size, size / 2], [0, 0, 1.0]])


def make_spec(
    name: str = "test_table", *, size: int = 32, options: Mapping[str, Any] | None = None
) -> CellSpec:
    camera = CameraSpec(size, size, intrinsics(size), looking_at((0, 0, 0.6), (0, 0, 0)))
    return CellSpec(
        name=name,
        gripper=GripperSpec(
            opening=0.085,
            finger_thickness=0.01,
            finger_breadth=0.02,
            finger_length=0.05,
            max_force=40.0,
        ),
        workspace=Workspace(np.array([-0.2, -0.2, 0.0]), np.array([0.2, 0.2, 0.3])),
        cameras={"overhead": camera},
        options=dict(options or {"noise": "none"}),
    )


def make_session(
    *, seed: int = 7, spec: CellSpec | None = None, policy: str = "random", objects: str = "train"
) -> Session:
    return Session(
        spec or make_spec(),
        {"selfgrasp": "0.1.0", "numpy": np.__version__},
        policy,
        objects,
        seed,
        {"angles_per_point": 1},
    )


def make_view(rng: np.random.Generator, *, size: int = 32, depth: bool = True) -> View:
    """A smooth picture, as a camera's are, with a hole in its depth."""
    color = cv2.resize(
        rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), (size, size), interpolation=cv2.INTER_CUBIC
    )
    metres = None
    if depth:
        metres = cv2.resize(
            rng.uniform(0.4, 0.7, (4, 4)).astype(np.float32),
            (size, size),
            interpolation=cv2.INTER_CUBIC,
        )
        metres[: size // 8, : size // 8] = np.nan
    return View(color, metres, intrinsics(size), looking_at((0, 0, 0.6), (0, 0, 0)))


def make_hand(rng: np.random.Generator) -> Hand:
    return Hand(
        top_down(rng.uniform((-0.2, -0.2, 0.1), (0.2, 0.2, 0.5)), rng.uniform(-3, 3)),
        rng.uniform(0, 0.08),
        rng.uniform(0, 30),
    )


def make_observation(
    rng: np.random.Generator, *, size: int = 32, depth: bool = True
) -> Observation:
    return Observation(
        rng.uniform(0, 100), {"overhead": make_view(rng, size=size, depth=depth)}, make_hand(rng)
    )


def make_grasp(rng: np.random.Generator) -> Grasp:
    return Grasp(
        top_down(rng.uniform((-0.15, -0.15, 0.01), (0.15, 0.15, 0.29)), rng.uniform(-3, 3)),
        rng.uniform(0.02, 0.085),
    )


def make_attempt(
    rng: np.random.Generator,
    *,
    session: Session | None = None,
    scene: int = 0,
    index: int = 0,
    size: int = 32,
    depth: bool = True,
    actions: tuple[Action, ...] | None = None,
    goal: Goal = ANYTHING,
    present: bool = False,
    fault: Fault | None = None,
    state_group: str | None = None,
    round: int = 0,
) -> Attempt:
    """A random attempt of one grasp, or of `actions`; the first step looked at `before`, later ones
    have looks of their own."""
    session = session or make_session()
    actions = (make_grasp(rng),) if actions is None else actions
    steps = tuple(
        Step(
            None if i == 0 else make_observation(rng, size=size, depth=depth),
            action,
            action,
            make_hand(rng),
            float(rng.normal()),
            float(rng.uniform(0.1, 1)),
        )
        for i, action in enumerate(actions)
    )
    grasped = bool(rng.random() < 0.4) and fault is None
    attempt_id = f"{session.seed}-{scene}-{index}"
    return Attempt(
        id=attempt_id,
        session=session_key(session),
        scene=scene,
        index=index,
        round=round,
        state_group=state_group or attempt_id,
        policy=session.policy,
        goal=goal,
        before=make_observation(rng, size=size, depth=depth),
        steps=steps,
        outcome=Outcome(
            grasped, rng.uniform(0, 0.08), rng.uniform(0, 30), rng.uniform(0, 1), fault
        ),
        after=make_observation(rng, size=size, depth=depth),
        present=make_view(rng, size=size, depth=depth) if present else None,
    )


def make_attempts(
    n: int, *, seed: int = 0, per_scene: int = 4, session: Session | None = None, **options: Any
) -> list[tuple[Attempt, tuple[Label, ...]]]:
    """`n` attempts, `per_scene` on each scene, with `truth.object` where something was grasped."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        attempt = make_attempt(
            rng, session=session, scene=i // per_scene, index=i % per_scene, **options
        )
        held = (
            (Label(attempt.id, "truth.object", str(rng.choice(OBJECTS)), "simulator"),)
            if attempt.outcome.grasped
            else ()
        )
        made.append(
            (
                attempt,
                (Label(attempt.id, "truth.clutter", int(rng.integers(1, 9)), "simulator"), *held),
            )
        )
    return made


def every_action(rng: np.random.Generator) -> tuple[Action, ...]:
    return (
        Move(rng.normal(0, 0.05, 3), 0.3),
        Push(rng.normal(0, 0.1, 3), -1.2, 0.1),
        make_grasp(rng),
        Release(rng.normal(0, 0.1, 3)),
        Close(),
    )
