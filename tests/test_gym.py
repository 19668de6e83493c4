"""The Gymnasium environment, over a cell small enough to know the answer: a peg that is held if the
fingers close within 2 cm of it."""

import itertools
from threading import Event

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from selfgrasp.core import CameraSpec, CellSpec, Fault, Grasp, GripperSpec, Release, View, Workspace
from selfgrasp.core.pose import looking_at, tilt_of, top_down, yaw_of
from selfgrasp.gym import TABLETOP, GraspEnv, grasp_of
from selfgrasp.workcell import motions
from selfgrasp.workcell.drivers import Control, Drivers, Reached
from selfgrasp.workcell.motions import MotionConfig
from selfgrasp.workcell.workcell import Workcell

AWAY = top_down((0.0, -0.5, 0.4), 0.0)
WORKSPACE = Workspace(np.array([-0.2, -0.2, 0.01]), np.array([0.2, 0.2, 0.11]))
GRIPPER = GripperSpec(
    opening=0.08, finger_thickness=0.01, finger_breadth=0.02, finger_length=0.05, max_force=20.0
)
CAMERA = CameraSpec(
    24, 32, np.array([[40.0, 0, 16], [0, 40.0, 12], [0, 0, 1]]), looking_at((0, 0, 0.5), (0, 0, 0))
)


class Peg:
    """All four drivers of a cell with one peg standing in it, nowhere once it is taken away."""

    spec = GRIPPER
    workspace = WORKSPACE

    def __init__(self) -> None:
        self.peg: np.ndarray | None = None
        self.tool, self.opening, self.held = AWAY, GRIPPER.opening, False

    def move(self, world_from_tool, *, speed, control):
        self.tool = world_from_tool
        return Reached(world_from_tool)

    def pose(self):
        return self.tool

    def joints(self):
        return None

    def away(self, *, control):
        return self.move(AWAY, speed=1.0, control=control)

    def open(self, width, *, control):
        self.opening, self.peg, self.held = width, None if self.held else self.peg, False

    def close(self, *, control):
        self.held = self.peg is not None and bool(
            np.linalg.norm(self.tool[:2, 3] - self.peg) < 0.02
        )
        self.opening = 0.02 if self.held else 0.0

    def width(self):
        return self.opening

    def force(self):
        return 10.0 if self.held else 0.0

    def reset(self, seed):
        self.peg = np.random.default_rng(seed).uniform(-0.15, 0.15, 2)
        self.tool, self.opening, self.held = AWAY, GRIPPER.opening, False

    def settle(self):
        return True

    def time(self):
        return 0.0

    def save(self):
        return None

    def restore(self, state):
        raise NotImplementedError

    def truth(self, attempt):
        return ()


class Eye:
    """A camera that paints the frame in the peg's place."""

    spec = CAMERA

    def __init__(self, cell: Peg) -> None:
        self.cell = cell

    def capture(self):
        color = np.full((24, 32, 3), 128, np.uint8)
        if self.cell.peg is not None:
            color[..., :2] = (128 + 400 * self.cell.peg).astype(np.uint8)
        depth = np.full((24, 32), 0.5, np.float32)
        depth[0, 0] = np.nan
        return View(color, depth, CAMERA.intrinsics, CAMERA.world_from_camera)


@pytest.fixture
def env() -> GraspEnv:
    peg = Peg()
    spec = CellSpec("peg", GRIPPER, WORKSPACE, {"main": CAMERA}, {})
    return GraspEnv(
        Workcell(Drivers(peg, peg, {"main": Eye(peg)}, peg), spec), render_mode="rgb_array"
    )


def test_gymnasium_accepts_it(env: GraspEnv):
    check_env(env, skip_render_check=True)


def test_reward_is_what_the_robot_senses(env: GraspEnv):
    pictures, _ = env.reset(seed=3)
    assert pictures["depth"][0, 0] == 0.0, "no return is 0 here, since a box holds no NaN"
    peg = env.cell.drivers.scene.peg
    on_it, beside = (
        np.array([*(peg / 0.2), 0.0, 0.0], np.float32),
        np.array([*(-peg / 0.2), 0.0, 0.0], np.float32),
    )
    _, missed, *_ = env.step(beside)
    _, held, terminated, truncated, info = env.step(on_it)
    _, again, *_ = env.step(on_it)
    assert (missed, held, again) == (0.0, 1.0, 0.0), "what was lifted is set aside"
    assert (terminated, truncated) == (False, False)
    assert info == {"grasped": True, "width": 0.02, "force": 10.0, "fault": ""}


def test_a_camera_without_a_picture_ends_the_episode(
    env: GraspEnv, monkeypatch: pytest.MonkeyPatch
):
    env.reset(seed=0)
    monkeypatch.setattr(env.cell.drivers.cameras["main"], "capture", lambda: None)
    pictures, reward, terminated, truncated, info = env.step(np.zeros(4, np.float32))
    assert env.observation_space.contains(pictures)
    assert (reward, terminated, truncated, info["fault"]) == (0.0, False, True, "no_image")


@pytest.mark.parametrize(
    ("action", "position", "yaw"),
    [
        ((-1, -1, -1, -1), (-0.2, -0.2, 0.01), -np.pi / 2),
        ((0, 0, 0, 0), (0, 0, 0.06), 0),
        ((1, 1, 1, 0.5), (0.2, 0.2, 0.11), np.pi / 4),
    ],
)
def test_actions_span_the_workspace(env: GraspEnv, action, position, yaw):
    grasp = grasp_of(np.array(action, np.float32), env.cell.spec)
    np.testing.assert_allclose(grasp.world_from_tool[:3, 3], position, atol=1e-7)
    assert yaw_of(grasp.world_from_tool) == pytest.approx(yaw)
    assert tilt_of(grasp.world_from_tool) == pytest.approx(0.0, abs=1e-6)


def test_the_table_is_registered():
    with gymnasium.make(f"selfgrasp.gym:{TABLETOP}") as env:
        pictures, _ = env.reset(seed=0)
        assert env.observation_space.contains(pictures)
        env.reset(seed=1)
        env.step(env.action_space.sample())
        again, _ = env.reset(seed=0)
        assert all(np.array_equal(pictures[name], again[name]) for name in pictures), (
            "a scene must not depend on what was played before it"
        )


def test_over_a_table_elsewhere_the_hand_travels_as_far_above_it_and_lets_go_in_bounds() -> None:
    high = np.array([0.6, 0.1, 0.8])

    class HighPeg(Peg):
        workspace = Workspace(WORKSPACE.low + high, WORKSPACE.high + high, surface=high[2])

        def __init__(self) -> None:
            super().__init__()
            self.way: list[np.ndarray] = []

        def move(self, world_from_tool, *, speed, control):
            self.way.append(world_from_tool)
            return super().move(world_from_tool, speed=speed, control=control)

    peg = HighPeg()
    drivers = Drivers(peg, peg, {"main": Eye(peg)}, peg)
    peg.reset(0)
    peg.peg += high[:2]
    motions.grasp(
        drivers, Grasp(top_down((*peg.peg, 0.82), 0.0), 0.08), MotionConfig(), Control(Event())
    )
    assert peg.held
    sideways = [
        a[2, 3] for a, b in itertools.pairwise(peg.way) if not np.allclose(a[:2, 3], b[:2, 3])
    ]
    assert min([*sideways, peg.tool[2, 3]]) >= 0.8 + MotionConfig().clear_height
    cell = Workcell(drivers, CellSpec("high", GRIPPER, HighPeg.workspace, {"main": CAMERA}, {}))
    for seed in range(20):
        cell.put_back(np.random.default_rng(seed))
    outside = Release(np.array([WORKSPACE.high[0] + 0.05, 0.0, high[2]]))
    assert cell.do(outside).fault is Fault.UNREACHABLE
    assert all(
        HighPeg.workspace.contains([*way[:2, 3], 0.85])
        for way in peg.way
        if not np.allclose(way[:2, 3], AWAY[:2, 3])
    )
