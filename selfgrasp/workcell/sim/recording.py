"""What happened in the simulation, moment by moment, for films.

Recording changes nothing in the simulation. Free motion high above the table is not simulated;
there the recorded hand jumps, and the recording's time goes on as long as its motion would take.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from selfgrasp.core import Attempt, Label, Plan, Watcher
from selfgrasp.core.arrays import FloatArray
from selfgrasp.workcell.cells.simulated import SimCell

SECONDS_APART = 0.02
"""s of simulated time between two recorded moments."""
FLIGHT_SPEED, FLIGHT_TURN, FLIGHT_LEAST = 0.9, 4.0, 0.08
"""m/s, rad/s and s of the motion that a film shows where the hand jumped."""


@dataclass(frozen=True, eq=False)
class Moment:
    """The simulation at one time.

    Attributes:
        time: s since the recording began; a jump takes as long as its motion would.
        joints: (nq,) of the whole model.
        lying: slots that hold objects.
        jumped: whether the hand came here from the moment before without being simulated.
    """

    time: float
    joints: FloatArray
    lying: frozenset[int]
    jumped: bool = False


@dataclass(frozen=True, eq=False)
class Decision:
    """When a policy planned, and what: s since the recording began."""

    time: float
    plan: Plan


class Recording(Watcher):
    """Records attempts, from the first plan of one of them on. What is tried and undone (see
    `World.restore`) is forgotten.

    Args:
        cell: the cell; call `stop` before it is closed.
        first: number of the attempt that it begins with, from 0.
        attempts: how many are recorded; None = until `stop`.

    Attributes:
        moments: what happened.
        decisions: what was planned.
        outcomes: s since the recording began and, for each attempt, whether something was held.
    """

    def __init__(self, cell: SimCell, first: int = 0, attempts: int | None = None) -> None:
        self.moments: list[Moment] = []
        self.decisions: list[Decision] = []
        self.outcomes: list[tuple[float, bool]] = []
        self._world = cell.world
        self._arm = self._world.arm_joints + 2
        self._first = first
        self._end = None if attempts is None else first + attempts
        self._seen = 0
        self._time = self._clock = 0.0
        self._clocks: list[float] = []
        self.model: mujoco.MjModel | None = None
        """A copy of the model, as it was when the recording began."""

    def on_plan(self, plan: Plan) -> None:
        """Begin with the first attempt that is wanted; keep what was decided."""
        if not self._wanted():
            return
        if self.model is None:
            self.model = copy.copy(self._world.model)
            self._clock = float(self._world.data.time)
            self._keep()
            self._world.after_step, self._world.after_jump = self._stepped, self._jumped
        self._forget_undone()
        self.decisions.append(Decision(self._time, plan))

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        """Keep how it ended; after the last one, stop."""
        if self._wanted():
            self.outcomes.append((self._time, attempt.outcome.grasped))
        self._seen += 1
        if self._seen == self._end:
            self.stop()

    def stop(self) -> None:
        """Record no more."""
        self._forget_undone()
        self._world.after_step = self._world.after_jump = None

    def _wanted(self) -> bool:
        return self._seen >= self._first and (self._end is None or self._seen < self._end)

    def _forget_undone(self) -> None:
        """Drop the moments after the time to which the simulation was put back, if it was. A jump
        at that time is one of them: before a state is saved objects settle, which takes time."""
        now = float(self._world.data.time)
        if not self.moments or now >= self._clock:
            return
        while len(self.moments) > 1 and self._clocks[-1] >= now:
            if self._clocks[-1] == now and not self.moments[-1].jumped:
                break
            self.moments.pop()
            self._clocks.pop()
        self._time, self._clock = self.moments[-1].time, self._clocks[-1]

    def _stepped(self) -> None:
        self._forget_undone()
        now = float(self._world.data.time)
        if now - self._clock >= SECONDS_APART:
            self._time += now - self._clock
            self._clock = now
            self._keep()

    def _jumped(self) -> None:
        self._forget_undone()
        joints = self._world.data.qpos
        self._clock = float(self._world.data.time)
        before = self.moments[-1].joints
        gone = joints[: self._arm] - before[: self._arm]
        if not np.abs(gone).max() > 1e-6:
            if self.moments[-1].lying != self._lying():
                self._keep()
            return
        away = float(np.linalg.norm(gone[:3]))
        turned = float(np.abs(gone[3 : self._arm - 2]).max(initial=0.0))
        self._time += max(FLIGHT_LEAST, away / FLIGHT_SPEED, turned / FLIGHT_TURN)
        self._keep(jumped=True)

    def _lying(self) -> frozenset[int]:
        return frozenset(placed.slot for placed in self._world.placed)

    def _keep(self, *, jumped: bool = False) -> None:
        self.moments.append(Moment(self._time, self._world.data.qpos.copy(), self._lying(), jumped))
        self._clocks.append(self._clock)
