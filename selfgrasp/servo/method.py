"""A method that servoes: looks, scores motions by where they end, moves a little, looks again, and
closes when standing still is as good as anything."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Action, Close, Context, InputError, Move, Plan, Policy, draw
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import smaller_turn
from selfgrasp.core.spec import CellSpec
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch, Method, evaluating
from selfgrasp.learn.source import Source, Split
from selfgrasp.servo.batches import batch_of, whole_batch_of
from selfgrasp.servo.config import Sees, ServoConfig
from selfgrasp.servo.examples import GATHERED, gather
from selfgrasp.servo.poses import hand_of, over_the_bin
from selfgrasp.servo.scorer import MotionScorer
from selfgrasp.servo.search import (
    Scored,
    failure_penalty,
    non_maximum_suppression,
    rescored,
    search,
)

_ALTERNATIVES = 12
"""Of a plan's motions."""


class ServoMethod(Method):
    """Servoes to the best motion (Levine et al. 2016, section IV-B). Subclasses say how good a
    motion is, and learn that."""

    config: ServoConfig

    @abstractmethod
    def scorer(self, context: Context, *, calibrated: bool = False) -> MotionScorer:
        """What scores motions from the pictures of a context; `calibrated`: from the first picture
        alone, and by the calibration of its camera.

        Raises:
            InputError: a goal that this method cannot look for.
        """

    @property
    def examples_key(self) -> list[object]:
        """What `examples.gather` reads of the config."""
        config = self.config
        seen = (
            [config.picture_px]
            if config.sees is Sees.PICTURES
            else [config.eye_px, config.pixel, config.stored_px, config.planes]
        )
        return [GATHERED, config.view, config.looks, config.sees, *seen]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather`."""
        return gather(source, split, self.config, rng)

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `batches.batch_of` and, for whole pictures, `batches.whole_batch_of`."""
        if self.config.sees is Sees.PICTURES:
            return whole_batch_of(examples, indices, self.config, rng, augment=augment)
        return batch_of(examples, indices, self.config, rng, augment=augment)

    def plan(self, context: Context, *, temperature: float = 0.0, steps: int | None = None) -> Plan:
        """The next motion, or to close: see `ServoConfig`. Scores are the chances of motions' ends,
        the chosen one's first, then the best ones that lie apart; less where the hand has failed
        before.

        Args:
            context: see there.
            temperature: at which the motion is drawn among all that the search scored; 0 takes the
                best.
            steps: motions of an attempt at most; `config.steps` by default.
        """
        left = (self.config.steps if steps is None else steps) - context.step
        if left <= 0:
            return Plan.only(Close())
        with evaluating(self):
            scored, found = self._search(context, exploring=temperature > 0)
        hand, floor = hand_of(context.observation), context.spec.workspace.low[2]
        pick = draw(found.logits, temperature, context.rng())
        chance = _sigmoid(found.logits)
        standing = (
            float(chance[0] / max(chance[pick.index], 1e-6))
            if over_the_bin(hand, context.spec)
            else 0.0
        )
        action = self._towards(found.poses[pick.index], standing, hand, context.spec, left)
        others = non_maximum_suppression(scored, _ALTERNATIVES, self.config.miss_radius)
        scores = np.r_[
            chance[0] if isinstance(action, Close) else chance[pick.index],
            _sigmoid(scored.logits[others]),
        ]
        actions = (action, *(_move(hand, pose, floor) for pose in scored.poses[others]))
        return Plan(actions, scores, calibrated=True, chosen=0, probability=pick.probability)

    def _towards(
        self, pose: FloatArray, standing: float, hand: FloatArray, spec: CellSpec, left: int
    ) -> Action:
        """One of the `left` steps of the way: over the bin, then down by the hover heights,
        correcting on each; on the floor close, correct, or rise."""
        config, workspace = self.config, spec.workspace
        height = hand[2] - workspace.surface
        if not over_the_bin(hand, spec):
            return _move(hand, pose, config.hover[0] + workspace.surface)
        if height < config.floor:
            if standing >= config.close_ratio or left == 1:
                return Close()
            if standing < config.raise_ratio and left > 2:
                return Move(np.array([0.0, 0.0, config.rise]), 0.0)
            return _move(hand, pose, hand[2])
        # A hand that rose for another try goes down at once; one that comes from above looks again
        # on the way.
        pause = (
            config.hover[1]
            if height > (config.hover[0] + config.hover[1]) / 2 and left > 1
            else None
        )
        return _move(hand, pose, workspace.low[2] if pause is None else pause + workspace.surface)

    def _search(self, context: Context, *, exploring: bool) -> tuple[Scored, Scored]:
        """All that was scored, from what the camera sees now, and of that what may be done: when
        exploring everything, else the best, judged again."""
        hand = hand_of(context.observation)
        over = np.array([*hand[:2], hand[3]]) if over_the_bin(hand, context.spec) else None
        return self._found(
            self.scorer(context),
            over,
            context,
            np.random.default_rng([context.seed, context.step]),
            exploring=exploring,
        )

    def _found(
        self,
        look: MotionScorer,
        over: FloatArray | None,
        context: Context,
        rng: np.random.Generator,
        *,
        exploring: bool,
    ) -> tuple[Scored, Scored]:
        def worth(score: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
            return lambda poses: score(poses) - failure_penalty(poses, context.misses, self.config)

        config = self.config
        if exploring:
            config = replace(
                config, samples=config.explore_samples, iterations=config.explore_iterations
            )
        found = search(worth(look.logits), over, context.spec.workspace, config, rng)
        return found, found if exploring else rescored(
            found, worth(look.careful_logits), self.config
        )

    def variants(self) -> Mapping[str, Policy]:
        """explore: see `exploring`; no_failure_memory: tries again where it just failed, if that
        looks best, as in the paper; open: one look, calibrated, no servoing."""
        return {
            **super().variants(),
            "no_failure_memory": WithContext(self, "no_failure_memory", {"misses": ()}),
            **({} if self.config.sees is Sees.PICTURES else {"open": _OpenLoop(self)}),
        }

    def numbered_variants(self) -> Mapping[str, Callable[[int], Policy]]:
        """exploreN: as explore, with N motions instead of `config.steps`."""
        return {"explore": self._exploring}

    def _exploring(self, steps: int) -> Policy:
        if not 2 <= steps <= self.config.steps:
            raise InputError(
                given=f"explore{steps} of {self.name}",
                wanted=f"from 2 to {self.config.steps} motions",
            )
        return _Exploring(self, steps)

    def exploring(self) -> Policy:
        """Draws among all that the search scored, at the temperature `config.explore`."""
        return _Exploring(self, self.config.steps)


@dataclass(frozen=True)
class _OpenLoop:
    """Judges the first picture once, by the camera's calibration, and goes there without looking
    again: what servoing is compared with."""

    method: ServoMethod
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method.name}, open loop"

    def plan(self, context: Context) -> Plan:
        method, spec, hand = self.method, context.spec, hand_of(context.observation)
        if hand[2] - spec.workspace.surface < method.config.hover[0] - 0.02:
            return Plan.only(Close())
        with evaluating(method):
            # The same picture and the same seed at every step: the same pose.
            _, found = method._found(
                method.scorer(context, calibrated=True),
                None,
                context,
                context.rng(),
                exploring=False,
            )
        best = int(found.logits.argmax())
        height = (
            spec.workspace.low[2]
            if over_the_bin(hand, spec)
            else method.config.hover[0] + spec.workspace.surface
        )
        return Plan(
            (_move(hand, found.poses[best], height),),
            _sigmoid(found.logits[best : best + 1]),
            calibrated=True,
        )


@dataclass(frozen=True)
class WithContext:
    """Plans as a method does that is told something else.

    Attributes:
        method: that plans.
        title: what becomes of it.
        instead: fields of `Context`, and what it is told for them.
    """

    method: ServoMethod
    title: str
    instead: Mapping[str, Any]
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The method's, and the title."""
        return f"{self.method.name}, {self.title}"

    def plan(self, context: Context) -> Plan:
        """The method's, in that context."""
        return self.method.plan(replace(context, **self.instead))


@dataclass(frozen=True)
class _Exploring:
    method: ServoMethod
    steps: int
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.method.name

    def plan(self, context: Context) -> Plan:
        return self.method.plan(context, temperature=self.method.config.explore, steps=self.steps)


def _move(hand: FloatArray, pose: FloatArray, height: float) -> Move:
    turn = smaller_turn(pose[2] - hand[3])
    return Move(np.array([*(pose[:2] - hand[:2]), height - hand[2]]), turn)


def _sigmoid(x: FloatArray) -> FloatArray:
    result: FloatArray = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return result
