"""`Workcell`: reset, observe, do, attempt, put back, set aside, close. One class; only its drivers
differ between robots."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from selfgrasp.core.action import Action, Close, Grasp, Move, Push, Release
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import UNINFORMATIVE_FAULTS, Attempt, Fault, Label, Outcome, Step
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import Observation, View
from selfgrasp.core.plan import Plan
from selfgrasp.core.policy import ANYTHING, Context, Goal, Policy
from selfgrasp.core.pose import tilt_of, top_down, yaw_of
from selfgrasp.core.spec import CellSpec
from selfgrasp.core.watcher import Watcher
from selfgrasp.vision import corrected, world_correction
from selfgrasp.workcell import motions
from selfgrasp.workcell.drivers import Control, Drivers
from selfgrasp.workcell.judge import JudgeConfig, feels_held, judge, saw_fall
from selfgrasp.workcell.motions import Done, MotionConfig

if TYPE_CHECKING:
    from selfgrasp.vision import Rim

MAX_TILT = 0.05
MAX_MOVES = 10
MISSES_KEPT = 32
"""Where no scene ever ends, as before a real bin, older ones are forgotten."""
_SERVO_GOES_ON = (None, Fault.BLOCKED, Fault.UNREACHABLE)


@dataclass(frozen=True)
class Ids:
    """Where an attempt belongs: what makes its id and its seed, whoever plays it."""

    session: str
    scene: int
    index: int
    round: int = 0
    state_group: str = ""

    @property
    def attempt(self) -> str:
        """The attempt's id."""
        return f"{self.session}-{self.scene:06d}-{self.index:03d}"

    @property
    def seed(self) -> int:
        """Of the policy's choices in this attempt."""
        return int(
            np.random.SeedSequence([self.scene, self.index, *self.session.encode()]).generate_state(
                1
            )[0]
        )


@dataclass(frozen=True, eq=False)
class Played:
    """An attempt, what the simulator knows of it, and the plans that led to it."""

    attempt: Attempt
    labels: tuple[Label, ...]
    plans: tuple[Plan, ...]


@dataclass
class Workcell:
    """A robot before a bin.

    Use it as a context manager. A grasp, a push or a release that ends outside the workspace is
    refused here, before anything moves; a servoing move is clipped to it. Between them the hand
    travels `MotionConfig.clear_height` above the surface, and rises by `MotionConfig.lift` once it
    has closed. Once `control.stop` is set nothing moves any more, and what is held stays held.

    Attributes:
        drivers: arm, gripper, cameras, scene.
        spec: what policies may know.
        motions: heights and speeds.
        judge: thresholds; how far the fingers close is the spec's.
        control: stop event and speed scale of every motion.
        background: the empty cell, where there is such a picture.
        watchers: told of plans, steps and attempts.
        rim: the bin's, on which cameras with depth are registered in the first look at a scene;
            None trusts their calibration.
    """

    drivers: Drivers
    spec: CellSpec
    motions: MotionConfig = field(default_factory=MotionConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    control: Control = field(default_factory=Control)
    background: View | None = None
    watchers: Sequence[Watcher] = ()
    rim: Rim | None = None
    on_close: Callable[[], None] | None = None
    _corrections: dict[str, FloatArray] = field(default_factory=dict, init=False, repr=False)
    _misses: deque[FloatArray] = field(
        default_factory=lambda: deque(maxlen=MISSES_KEPT), init=False, repr=False
    )

    def __post_init__(self) -> None:
        told, kept = self.spec.workspace, self.drivers.arm.workspace
        if not (
            np.array_equal(told.low, kept.low)
            and np.array_equal(told.high, kept.high)
            and told.surface == kept.surface
        ):
            raise InputError(
                given=f"a spec with the workspace {told} and an arm with {kept}",
                wanted="the same: policies are told the one, and the arm is kept in the other",
            )
        self.judge = replace(self.judge, closed=self.spec.gripper.closed)

    def __enter__(self) -> Workcell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and give back what the drivers hold."""
        self.control.stop.set()
        if self.on_close is not None:
            self.on_close()

    def reset(self, seed: int) -> Observation | None:
        """A new scene, and the first look at it; None when a camera returns nothing."""
        self.drivers.scene.reset(seed)
        self._corrections.clear()
        self._misses.clear()
        first = self.observe()
        if first is None or self.rim is None:
            return first
        # OpenCV takes a tenth of a second to import, and what only asks for a cell's options does
        # not need it.

        found = {name: world_correction(view, self.rim) for name, view in first.views.items()}
        self._corrections |= {
            name: correction for name, correction in found.items() if correction is not None
        }
        return replace(first, views=self._corrected(first.views))

    def observe(self) -> Observation | None:
        """All cameras and the hand now; None when a camera returns nothing."""
        views = {name: camera.capture() for name, camera in self.drivers.cameras.items()}
        seen = {name: view for name, view in views.items() if view is not None}
        if len(seen) < len(views):
            return None
        return Observation(self.drivers.scene.time(), self._corrected(seen), self.drivers.hand())

    def _corrected(self, views: Mapping[str, View]) -> dict[str, View]:
        if not self._corrections:
            return dict(views)

        return {
            name: corrected(view, self._corrections[name]) if name in self._corrections else view
            for name, view in views.items()
        }

    def do(self, action: Action) -> Done:
        """Carry one action out, within bounds, and say what really happened."""
        if self.control.stop.is_set():
            return Done(None, self.drivers.hand(), fault=Fault.STOPPED)
        if not self._reachable(action):
            return Done(None, self.drivers.hand(), fault=Fault.UNREACHABLE)
        match action:
            case Grasp():
                return motions.grasp(self.drivers, action, self.motions, self.control)
            case Push():
                return motions.push(self.drivers, action, self.motions, self.control)
            case Move():
                return motions.servo(self.drivers, action, self.motions, self.control)
            case Close():
                return motions.close_and_lift(self.drivers, self.motions, self.control)
            case Release():
                return motions.release(self.drivers, action, self.motions, self.control)

    def _reachable(self, action: Action) -> bool:
        workspace = self.spec.workspace
        match action:
            case Grasp():
                tool = action.world_from_tool
                return (
                    workspace.contains(tool[:3, 3], margin=1e-6)
                    and tilt_of(tool) <= MAX_TILT
                    and action.width <= self.spec.gripper.opening + 1e-6
                )
            case Push():
                end = action.start + action.length * np.array(
                    [np.cos(action.yaw), np.sin(action.yaw), 0.0]
                )
                return workspace.contains(action.start, margin=1e-6) and workspace.contains(
                    end, margin=1e-6
                )
            case Release():
                return workspace.contains(
                    np.array([*action.where[:2], workspace.low[2]]), margin=1e-6
                )
            case Move() | Close():
                return True

    def attempt(
        self, policy: Policy, ids: Ids, *, goal: Goal = ANYTHING, before: Observation | None = None
    ) -> Played:
        """One try: look, plan, act until something other than a move was done, lift, judge, look
        again.

        What is held stays in the hand: `put_back` or `set_aside` comes next. An empty hand is open
        and out of sight afterwards and the scene lies still, so that the look after such an attempt
        is also the look before the next one. Where it closed on nothing, policies are told until
        the next `reset`.

        Args:
            before: the look before, where it was already taken.
        """
        first = before if before is not None else self.observe()
        if first is None:
            return self._played(
                policy,
                ids,
                goal,
                None,
                (),
                Outcome(False, *self._felt(), 0.0, Fault.NO_IMAGE),
                None,
                (),
            )
        steps: list[Step] = []
        plans: list[Plan] = []
        done, seen, hindered = None, first, None
        while done is None or isinstance(done.executed, Move):
            misses = tuple(self._misses)
            context = Context(
                seen,
                self.spec,
                goal,
                first=first,
                step=len(steps),
                background=self.background,
                seed=ids.seed,
                misses=misses,
            )
            plan = policy.plan(context)
            plans.append(plan)
            for watcher in self.watchers:
                watcher.on_plan(plan)
            if plan.action is None:
                break
            action = (
                plan.action
                if len(steps) < MAX_MOVES or not isinstance(plan.action, Move)
                else Close()
            )
            here = self.drivers.arm.pose().copy()
            done = self.do(action)
            step = Step(
                None if seen is first else seen,
                action,
                done.executed,
                done.hand,
                plan.score,
                plan.probability,
            )
            steps.append(step)
            for watcher in self.watchers:
                watcher.on_step(step)
            if isinstance(done.executed, Move) and done.fault in _SERVO_GOES_ON:
                # A hand that was stopped short looks again and decides again; that it was stopped
                # stays in the outcome.
                hindered = done.fault or hindered
                looked = self.observe()
                if looked is None:
                    done = replace(done, fault=Fault.NO_IMAGE)
                    break
                seen = looked
            elif done.fault is not None:
                break
        if done is None:
            return self._played(
                policy,
                ids,
                goal,
                first,
                (),
                Outcome(False, *self._felt(), 0.0, Fault.NOTHING),
                None,
                plans,
            )
        played = self._judged(
            policy, ids, goal, first, steps, replace(done, fault=done.fault or hindered), plans
        )
        outcome = played.attempt.outcome
        if (
            not outcome.grasped
            and outcome.fault not in UNINFORMATIVE_FAULTS
            and done.closed_width is not None
        ):
            self._misses.append(
                done.executed.world_from_tool if isinstance(done.executed, Grasp) else here
            )
        return played

    def _judged(
        self,
        policy: Policy,
        ids: Ids,
        goal: Goal,
        first: Observation,
        steps: Sequence[Step],
        done: Done,
        plans: Sequence[Plan],
    ) -> Played:
        labels = self.drivers.scene.truth(ids.attempt)
        if done.closed_width is not None and not done.lifted:
            self._open()
        present = (
            self._present(self.spec.presented)
            if self.spec.presented is not None and feels_held(done, self.judge)
            else None
        )
        self.drivers.arm.away(control=self.control)
        done = replace(done, hand=self.drivers.hand())
        empty = not feels_held(done, self.judge)
        in_doubt = empty and self.judge.drop_test and done.lifted
        if in_doubt:
            self.drivers.scene.settle()
        elif empty:
            self.try_again()
        after = self.observe()
        fell = in_doubt and self._drops(after)
        outcome = judge(done, first, after, self.judge, fell=fell)
        return self._played(policy, ids, goal, first, steps, outcome, after, plans, labels, present)

    def _drops(self, before: Observation | None) -> bool:
        """The drop test: open the hand over the middle of the workspace, above everything, and see
        whether something lies there then."""
        workspace = self.spec.workspace
        over = top_down(
            [
                *(workspace.low + workspace.high)[:2] / 2,
                workspace.surface + self.motions.clear_height,
            ],
            yaw_of(self.drivers.arm.pose()),
        )
        self.drivers.arm.move(over, speed=self.motions.transit_speed, control=self.control)
        self.try_again()
        return saw_fall(before, self.observe(), self.judge)

    def _present(self, world_from_tool: FloatArray) -> View | None:
        """Bring what is held before the first camera; its picture, or None where the arm or the
        camera fails."""
        if (
            self.drivers.arm.move(
                world_from_tool, speed=self.motions.transit_speed, control=self.control
            ).fault
            is not None
        ):
            return None
        view = next(iter(self.drivers.cameras.values())).capture()
        return (
            None
            if view is None
            else self._corrected({next(iter(self.drivers.cameras)): view}).popitem()[1]
        )

    def _felt(self) -> tuple[float, float]:
        return self.drivers.gripper.width(), self.drivers.gripper.force()

    def _played(
        self,
        policy: Policy,
        ids: Ids,
        goal: Goal,
        before: Observation | None,
        steps: Sequence[Step],
        outcome: Outcome,
        after: Observation | None,
        plans: Sequence[Plan],
        labels: tuple[Label, ...] = (),
        present: View | None = None,
    ) -> Played:
        attempt = Attempt(
            id=ids.attempt,
            session=ids.session,
            scene=ids.scene,
            index=ids.index,
            round=ids.round,
            state_group=ids.state_group or ids.attempt,
            policy=policy.name,
            goal=goal,
            before=before,
            steps=tuple(steps),
            outcome=outcome,
            after=after,
            present=present,
        )
        for watcher in self.watchers:
            watcher.on_attempt(attempt, labels)
        return Played(attempt, labels, tuple(plans))

    def put_back(self, rng: np.random.Generator) -> None:
        """Let what is held fall into the workspace again, over a random point, and wait until it
        lies still."""
        workspace = self.spec.workspace
        middle, half = (
            (workspace.low + workspace.high)[:2] / 2,
            (workspace.high - workspace.low)[:2] / 2,
        )
        self._let_go(
            Release(
                np.array(
                    [*rng.uniform(middle - 0.6 * half, middle + 0.6 * half), workspace.surface]
                )
            )
        )

    def set_aside(self) -> None:
        """Let what is held fall outside the workspace, where the hand waits; it does not come
        back."""
        self.drivers.arm.away(control=self.control)
        self._open()
        self.drivers.scene.settle()

    def _let_go(self, action: Release) -> None:
        if self.do(action).fault is not None:
            self._open()
        self.drivers.arm.away(control=self.control)
        self.drivers.scene.settle()

    def try_again(self) -> None:
        """With empty hands: open, go away, wait until things lie still."""
        self._open()
        self.drivers.arm.away(control=self.control)
        self.drivers.scene.settle()

    def _open(self) -> None:
        if not self.control.stop.is_set():
            self.drivers.gripper.open(self.spec.gripper.opening, control=self.control)
