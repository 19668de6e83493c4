"""The edge to reinforcement learning: a workcell as a Gymnasium environment. Importing this module
registers `selfgrasp/Tabletop-v0`.

`gymnasium.make("selfgrasp.gym:selfgrasp/Tabletop-v0")` imports and makes it in one line.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from selfgrasp.core.action import Grasp
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import MAX_DEPTH, Observation
from selfgrasp.core.plan import Plan
from selfgrasp.core.policy import Context
from selfgrasp.core.pose import top_down
from selfgrasp.core.spec import CellSpec
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Episode, Stop, Task, playing
from selfgrasp.workcell.workcell import Workcell

if TYPE_CHECKING:
    from selfgrasp.objects.model import ObjectModel

TABLETOP = "selfgrasp/Tabletop-v0"
ATTEMPTS_PER_SCENE = 10

Pictures = dict[str, Any]
"""Arrays by name: `color`, and `depth` where there is one."""


class GraspEnv(gymnasium.Env[Pictures, NDArray[np.float32]]):
    """One step is one whole grasp: reach, close, lift, judge.

    Action: (4,) float32 in [-1, 1]: x, y and z over the workspace's box, then yaw over [-pi/2,
    pi/2], which is every grasp of a symmetric gripper. Observation: `color` (H, W, 3) uint8 and,
    where the camera measures it, `depth` (H, W) float32 m with 0 for no return. Reward: 1 if the
    robot senses that it holds something after the lift, otherwise 0. The simulator's truth is not
    used.

    Args:
        cell: the workcell, simulated or real; closed with the environment.
        view: name of the camera, or None for the first.
        render_mode: "rgb_array" or None.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 1}  # noqa: RUF012  Gymnasium's own annotation

    def __init__(
        self, cell: Workcell, *, view: str | None = None, render_mode: str | None = None
    ) -> None:
        self.cell = cell
        self.view = view if view is not None else next(iter(cell.spec.cameras))
        self.render_mode = render_mode
        camera = cell.spec.cameras[self.view]
        pictures: dict[str, spaces.Space[Any]] = {
            "color": spaces.Box(0, 255, (camera.height, camera.width, 3), np.uint8)
        }
        if camera.has_depth:
            pictures["depth"] = spaces.Box(
                0.0, MAX_DEPTH, (camera.height, camera.width), np.float32
            )
        self.observation_space = spaces.Dict(pictures)
        self.action_space = spaces.Box(-1.0, 1.0, (4,), np.float32)
        self._color: NDArray[np.uint8] | None = None
        self._playing: Generator[Context | Played, Plan | None, Episode] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, object] | None = None
    ) -> tuple[Pictures, dict[str, object]]:
        """A new scene; the same seed gives the same one."""
        super().reset(seed=seed, options=options)
        scene = int(self.np_random.integers(2**31))
        self._playing = playing(
            self.cell,
            Task(scene),
            policy="gym",
            ids=Ids("gym", scene, 0),
            stop=Stop(when_empty=False),
        )
        return self._pictures(self._look()), {"scene": scene}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Pictures, float, bool, bool, dict[str, object]]:
        """One grasp; what was lifted is set aside. An episode ends by its number of attempts, or
        early when a camera returns nothing or the robot was stopped.

        Raises:
            InputError: before the first reset, or after a step that ended the episode early.
        """
        if self._playing is None:
            raise InputError(
                given="a step without a scene", wanted="a reset first, and after each episode"
            )
        played = self._playing.send(Plan.only(grasp_of(action, self.cell.spec)))
        assert isinstance(played, Played)
        outcome, after = played.attempt.outcome, self._look()
        info = {
            "grasped": outcome.grasped,
            "width": outcome.width,
            "force": outcome.force,
            "fault": str(outcome.fault or ""),
        }
        return self._pictures(after), float(outcome.grasped), False, after is None, info

    def _look(self) -> Observation | None:
        """What the next grasp is asked for from; None, and no more of this scene, where a camera
        returned nothing or the robot was stopped."""
        assert self._playing is not None
        event = next(self._playing, None)
        if isinstance(event, Context):
            return event.observation
        self._playing = None
        return None

    def render(self) -> NDArray[np.uint8] | None:
        """The last picture, in render mode "rgb_array"."""
        return self._color if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the workcell."""
        self.cell.close()

    def _pictures(self, observation: Observation | None) -> Pictures:
        """The observation's arrays; without one, black pictures without depth."""
        camera = self.cell.spec.cameras[self.view]
        color, depth = (
            np.zeros((camera.height, camera.width, 3), np.uint8),
            np.zeros((camera.height, camera.width), np.float32),
        )
        if observation is not None:
            view = observation.view(self.view)
            color = np.array(view.color)
            depth = depth if view.depth is None else np.nan_to_num(view.depth, nan=0.0)
        self._color = color
        return {"color": color, "depth": depth} if camera.has_depth else {"color": color}


def grasp_of(action: NDArray[np.floating], spec: CellSpec) -> Grasp:
    """The top-down grasp that a normalised action (4,) stands for; values outside [-1, 1] are
    clipped."""
    unit = (np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0) + 1.0) / 2.0
    position = spec.workspace.low + unit[:3] * (spec.workspace.high - spec.workspace.low)
    return Grasp(top_down(position, (unit[3] - 0.5) * math.pi), spec.gripper.opening)


def tabletop_env(
    *,
    objects: Sequence[ObjectModel] | None = None,
    config: TabletopConfig | None = None,
    view: str | None = None,
    render_mode: str | None = None,
) -> GraspEnv:
    """A `GraspEnv` over the simulated table, with the training objects unless others are given."""

    return GraspEnv(
        tabletop(train_objects() if objects is None else objects, config).cell,
        view=view,
        render_mode=render_mode,
    )


def register() -> None:
    """Make `selfgrasp/Tabletop-v0` known to Gymnasium; calling it again changes nothing."""
    if TABLETOP not in gymnasium.registry:
        gymnasium.register(
            id=TABLETOP,
            entry_point="selfgrasp.gym:tabletop_env",
            max_episode_steps=ATTEMPTS_PER_SCENE,
        )


register()
