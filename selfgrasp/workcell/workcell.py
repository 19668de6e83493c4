"""`Workcell`: reset, observe, do, attempt, put back, set aside, close. One class; only its drivers
differ between robots."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from selfgrasp.core.action import Action, Close, Grasp, Move, Push, Release
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import UNINFORMATIVE_FAULTS, Fault, Label, Outcome, Step
from selfgrasp.core.errors import InputError
from selfgrasp.core.observation import Observation, View
from selfgrasp.core.plan import Plan
from selfgrasp.core.policy import ANYTHING, Context, Goal, Policy
from selfgrasp.core.pose import tilt_of, top_down, yaw_of
from selfgrasp.core.record import ObjectRef
from selfgrasp.core.spec import CellSpec
from selfgrasp.core.watcher import Watcher
from selfgrasp.vision import corrected, world_correction
from selfgrasp.workcell import motions
from selfgrasp.workcell.attempt import Ids, Played, Underway, answered
from selfgrasp.workcell.drivers import Control, Drivers
from selfgrasp.workcell.judge import JudgeConfig, feels_held, judge, saw_fall
from selfgrasp.workcell.motions import Done, MotionConfig

if TYPE_CHECKING:
    from selfgrasp.vision import Rim

MAX_TILT = 0.05
MISSES_KEPT = 32
"""Where no scene ever ends, as before a real bin, older ones are forgotten."""
_SERVO_GOES_ON = (None, Fault.BLOCKED, Fault.UNREACHABLE)


@dataclass(frozen=True, eq=False)
class _Acted:
    """The last motion of an attempt, and world_from_tool (4, 4) of the hand when it began."""

    done: Done
    began_at: FloatArray


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
        judge: thresholds.
        control: stop event and speed scale of every motion.
        watchers: told of plans and attempts.
        rim: the bin's, on which cameras with depth are registered in the first look at a scene;
            None trusts their calibration.
    """

    drivers: Drivers
    spec: CellSpec
    motions: MotionConfig = field(default_factory=MotionConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    control: Control = field(default_factory=Control)
    watchers: Sequence[Watcher] = ()
    rim: Rim | None = None
    on_close: Callable[[], None] | None = None
    _corrections: dict[str, FloatArray] = field(default_factory=dict, init=False, repr=False)
    _misses: deque[FloatArray] = field(
        default_factory=lambda: deque(maxlen=MISSES_KEPT), init=False, repr=False
    )

    _pushes: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        stated, kept = self.spec.workspace, self.drivers.arm.workspace
        if not (
            np.array_equal(stated.low, kept.low)
            and np.array_equal(stated.high, kept.high)
            and stated.surface == kept.surface
        ):
            raise InputError(
                given=f"a spec with the workspace {stated} and an arm with {kept}",
                wanted="the same workspace in both",
            )

    def __enter__(self) -> Workcell:
        return self

    def __exit__(self, *_: object) -> None:
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
        self._pushes = 0
        first = self.observe()
        if first is None or self.rim is None:
            return first
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
        """Carry one action out, within bounds, and say what really happened. What is held after it
        is shaken, where `MotionConfig.shake` says so."""
        done = self._moved(action)
        if self.motions.shake is None or not feels_held(done, self.judge, self.spec.gripper.closed):
            return done
        return motions.shake(self.drivers, done, self.motions.shake, self.motions, self.control)

    def _moved(self, action: Action) -> Done:
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
        """One try with one policy; see `attempting`.

        Raises:
            InputError: no policy, but its name for example.
        """
        if not hasattr(policy, "plan"):
            raise InputError(
                given=f"{policy!r} as the policy",
                wanted="an object with name, privileged and plan, as selfgrasp.policy(NAME) gives",
            )
        return answered(
            self.attempting(ids, policy=policy.name, goal=goal, before=before), policy.plan
        )

    def attempting(
        self, ids: Ids, *, policy: str, goal: Goal = ANYTHING, before: Observation | None = None
    ) -> Generator[Context, Plan, Played]:
        """One try: look, ask for a plan, act until something other than a move was done, lift,
        judge, look again.

        A generator: it yields a context, is sent the plan, and returns the attempt. So whoever
        answers may be a network that plans for many cells at once, or far away.

        What is held stays in the hand: `put_back` or `set_aside` comes next. An empty hand is open
        and out of sight afterwards and the scene lies still, so that the look after such an attempt
        is also the look before the next one. Where the hand closed on nothing stands in later
        contexts as `misses`, until the next `reset` or push, and how often it pushed as `pushes`,
        until the next `reset` or lift. A lift forgets no miss: what failed
        elsewhere lies there still.

        A policy that wants more than `MotionConfig.most_moves` moves is stopped, and the attempt
        ends with `Fault.RUNAWAY`.

        Args:
            ids: see there.
            policy: name of who answers.
            goal: what is asked for.
            before: the look before, where it was already taken.
        """
        first = before if before is not None else self.observe()
        truth = self.drivers.truth
        made = Underway(ids, policy, goal, first, None if truth is None else truth.left())
        if first is None:
            return self._ended(made, Outcome(False, *self._felt(), 0.0, Fault.NO_IMAGE))
        acted = yield from self._act(made, first)
        if acted is None:
            return self._ended(made, Outcome(False, *self._felt(), 0.0, Fault.NOTHING))
        played = self._judged(made, first, acted.done)
        self._remember_miss(acted, played.attempt.outcome)
        return played

    def _act(self, made: Underway, first: Observation) -> Generator[Context, Plan, _Acted | None]:
        """Ask and act until something other than a move was done; None where nothing was."""
        done, seen, hindered = None, first, None
        began_at = self.drivers.arm.pose().copy()
        while done is None or isinstance(done.executed, Move):
            plan = yield self._context(made, seen)
            made.plans.append(plan)
            for watcher in self.watchers:
                watcher.on_plan(plan)
            action = plan.action
            if action is None:
                break
            if isinstance(action, Move) and len(made.steps) >= self.motions.most_moves:
                done = Done(None, self.drivers.hand(), fault=Fault.RUNAWAY)
                break
            began_at = self.drivers.arm.pose().copy()
            done = self.do(action)
            made.steps.append(
                Step(
                    None if seen is first else seen,
                    action,
                    done.executed,
                    done.hand,
                    plan.score,
                    plan.probability,
                )
            )
            if not isinstance(done.executed, Move) or done.fault not in _SERVO_GOES_ON:
                break
            # A hand that was stopped short looks again and decides again; that it was stopped
            # stays in the outcome.
            hindered = done.fault or hindered
            looked = self.observe()
            if looked is None:
                done = replace(done, fault=Fault.NO_IMAGE)
                break
            seen = looked
        if done is None:
            return None
        return _Acted(replace(done, fault=done.fault or hindered), began_at)

    def _context(self, made: Underway, seen: Observation) -> Context:
        return Context(
            seen,
            self.spec,
            made.goal,
            first=made.first,
            step=len(made.steps),
            seed=made.ids.seed,
            misses=tuple(self._misses),
            pushes=self._pushes,
        )

    def _remember_miss(self, acted: _Acted, outcome: Outcome) -> None:
        executed = acted.done.executed
        if isinstance(executed, Push):
            self._misses.clear()
            self._pushes += 1
        if outcome.grasped:
            self._pushes = 0
        closed_at = executed.world_from_tool if isinstance(executed, Grasp) else acted.began_at
        if (
            not outcome.grasped
            and outcome.fault not in UNINFORMATIVE_FAULTS
            and acted.done.closed_width is not None
        ):
            self._misses.append(closed_at)

    def _judged(self, made: Underway, first: Observation, done: Done) -> Played:
        closed = self.spec.gripper.closed
        labels = self.drivers.scene.truth(made.ids.attempt)
        lifted = () if self.drivers.truth is None else self.drivers.truth.held()
        if done.closed_width is not None and not done.lifted:
            self._open()
        present = (
            self._present(self.spec.presented)
            if self.spec.presented is not None and feels_held(done, self.judge, closed)
            else None
        )
        self.drivers.arm.away(control=self.control)
        done = replace(done, hand=self.drivers.hand())
        empty = not feels_held(done, self.judge, closed)
        in_doubt = empty and self.judge.drop_test and done.lifted
        if in_doubt:
            self.drivers.scene.settle()
        elif empty:
            self.try_again()
        after = self.observe()
        fell = in_doubt and self._drops(after)
        outcome = judge(done, first, after, self.judge, closed, fell=fell)
        return self._ended(made, outcome, after, present, labels, lifted)

    def _ended(
        self,
        made: Underway,
        outcome: Outcome,
        after: Observation | None = None,
        present: View | None = None,
        labels: tuple[Label, ...] = (),
        lifted: tuple[ObjectRef, ...] = (),
    ) -> Played:
        attempt = made.ended(outcome, after, present)
        for watcher in self.watchers:
            watcher.on_attempt(attempt, labels)
        known = self.drivers.truth is not None
        return Played(attempt, labels, tuple(made.plans), made.there, lifted if known else None)

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
        """With empty hands: open, go away, wait until objects lie still."""
        self._open()
        self.drivers.arm.away(control=self.control)
        self.drivers.scene.settle()

    def _open(self) -> None:
        if not self.control.stop.is_set():
            self.drivers.gripper.open(self.spec.gripper.opening, control=self.control)
