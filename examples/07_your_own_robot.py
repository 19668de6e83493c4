"""Lesson 7: a robot of your own. Four drivers that only say what they would do, and the loop that
fills a dataset: put your hardware's calls in their place.

Run it:  .venv/bin/python examples/07_your_own_robot.py
"""

import time

import numpy as np

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.core import CameraSpec, CellSpec, Fault, GripperSpec, Session, View, Workspace
from selfgrasp.core.pose import looking_at, top_down
from selfgrasp.dataset import DatasetWriter
from selfgrasp.methods.baselines import HeuristicPolicy
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.drivers import Control, Drivers, Reached
from selfgrasp.workcell.play import AfterLift, Stop, Task, attempts
from selfgrasp.workcell.workcell import Workcell

TABLE = 0.12
"""m: the table's top in the robot's own frame, which is the world here."""
BLOCK = np.array([0.42, 0.05])
"""m: where the one thing stands, 4 cm wide and high and 8 cm long."""
GRIPPER = GripperSpec(
    opening=0.085, finger_thickness=0.010, finger_breadth=0.020, finger_length=0.055, max_force=20.0
)
WORKSPACE = Workspace(
    np.array([0.25, -0.15, TABLE + 0.004]), np.array([0.55, 0.15, TABLE + 0.30]), surface=TABLE
)
CAMERA = CameraSpec(
    240,
    320,
    np.array([[380.0, 0, 160], [0, 380.0, 120], [0, 0, 1]]),
    looking_at((0.4, 0.0, TABLE + 0.6), (0.4, 0.0, TABLE)),
)
AWAY = top_down((0.2, -0.3, TABLE + 0.4), 0.0)


class MyArm:
    """`move` blocks until the arm is there, polls `control.stop`, and says where it really
    ended."""

    workspace = WORKSPACE

    def __init__(self) -> None:
        self.tool = AWAY

    def move(self, world_from_tool: np.ndarray, *, speed: float, control: Control) -> Reached:
        """In a straight line; ends early when stopped or blocked."""
        if control.stop.is_set():
            return Reached(self.tool, Fault.STOPPED)
        print(f"arm: to {np.round(world_from_tool[:3, 3], 3)} m at {speed * control.speed:.2f} m/s")
        self.tool = world_from_tool
        return Reached(self.tool)

    def pose(self) -> np.ndarray:
        """world_from_tool now, between the fingertips."""
        return self.tool

    def joints(self) -> None:
        """rad, where the arm tells."""
        return None

    def away(self, *, control: Control) -> Reached:
        """Out of the camera's view, with what is held."""
        return self.move(AWAY, speed=0.5, control=control)


class MyGripper:
    """Closes until it stalls or the fingers meet; its own width and force are what attempts are
    judged by."""

    spec = GRIPPER

    def __init__(self, arm: MyArm) -> None:
        self.arm, self.opening = arm, GRIPPER.opening

    def open(self, width: float, *, control: Control) -> None:
        """So many m apart; a gripper that is stopped stays as it is."""
        if not control.stop.is_set():
            self.opening = width

    def close(self, *, control: Control) -> None:
        """Until the fingers stall or meet."""
        if control.stop.is_set():
            return
        x, y, z = self.arm.tool[:3, 3]
        self.opening = (
            0.04 if np.hypot(x - BLOCK[0], y - BLOCK[1]) < 0.02 and z < TABLE + 0.04 else 0.0
        )
        print(f"gripper: closed to {1000 * self.opening:.0f} mm")

    def width(self) -> float:
        """m between the fingers now."""
        return self.opening

    def force(self) -> float:
        """N that they press with."""
        return 20.0 if self.opening < GRIPPER.opening else 0.0


class MyCamera:
    """Colour, and depth in m along the optical axis, with holes as NaN; here a table and a block,
    drawn."""

    spec = CAMERA

    def capture(self) -> View:
        """A picture with its calibration; None if the camera returns nothing."""
        color, depth = np.full((240, 320, 3), 150, np.uint8), np.full((240, 320), 0.6, np.float32)
        corners = [
            [*(BLOCK + offset), TABLE + 0.04, 1.0] for offset in ([-0.02, -0.04], [0.02, 0.04])
        ]
        seen = (np.linalg.inv(CAMERA.world_from_camera) @ np.transpose(corners))[:3]
        (left, right), (top, bottom) = np.sort(
            ((CAMERA.intrinsics @ seen)[:2] / seen[2]).round().astype(int)
        )
        color[top:bottom, left:right], depth[top:bottom, left:right] = (200, 60, 40), 0.56
        return View(color, depth, CAMERA.intrinsics, CAMERA.world_from_camera)


class MyScene:
    """Whoever arranges things: a person, or a feeder."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def reset(self, seed: int) -> None:
        """Ask for something to grasp."""
        print("scene: put something on the table")
        self.began = time.monotonic()

    def settle(self) -> bool:
        """Wait until nothing moves."""
        return True

    def time(self) -> float:
        """s since the scene began."""
        return time.monotonic() - self.began

    def save(self) -> None:
        """Nothing: only simulations can be put back."""

    def restore(self, state: object) -> None:
        """Never asked for."""
        raise NotImplementedError

    def truth(self, attempt: str) -> tuple[()]:
        """Nothing: only simulators know."""
        return ()


def main(scenes: int = 2, tries: int = 2) -> None:
    """Each attempt is stored when it is over; what was lifted falls back elsewhere. Splits go by
    scene: many short ones beat a long one."""
    arm, policy = MyArm(), HeuristicPolicy()
    drivers = Drivers(arm, MyGripper(arm), {"main": MyCamera()}, MyScene())
    spec = CellSpec("my-robot", GRIPPER, WORKSPACE, {"main": CAMERA}, options={})
    session = Session(
        spec, versions={"my-robot": "1.0"}, policy=policy.name, objects="what lay there", seed=0
    )
    # A fifth of every speed: a person stands beside the emergency stop.
    with (
        Workcell(drivers, spec, control=Control(speed=0.2)) as cell,
        DatasetWriter.create_or_open("datasets/my-robot", session) as writer,
    ):
        done = len(writer) // tries
        for scene in range(done, done + scenes):
            for played in attempts(
                cell,
                policy,
                Task(seed=scene),
                ids=Ids(session_key(session), scene, index=0),
                after=AfterLift.PUT_BACK,
                stop=Stop(most=tries),
            ):
                writer.append([encode_attempt(played.attempt, played.labels)])
                outcome = played.attempt.outcome
                print(
                    f"{played.attempt.id}: "
                    f"{'held' if outcome.grasped else 'nothing'}"
                    f"{f' ({outcome.fault})' if outcome.fault else ''}\n"
                )
        print(f"{len(writer)} attempts in datasets/my-robot; now: selfgrasp view datasets/my-robot")


if __name__ == "__main__":
    main()
