"""A method that servoes: it scores motions by where they end, moves, observes again, and closes
when staying is predicted to be about as good as the best motion."""

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
from selfgrasp.learn import Source, Split
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch, Method, evaluating
from selfgrasp.servo.batches import batch_of, whole_batch_of
from selfgrasp.servo.camera_pose import IMAGE_PX
from selfgrasp.servo.config import PredictorInput, ServoConfig
from selfgrasp.servo.examples import EXAMPLES_VERSION, gather
from selfgrasp.servo.poses import hand_of, over_the_bin
from selfgrasp.servo.scorer import MotionScorer
from selfgrasp.servo.search import (
    MISS_RADIUS,
    Scored,
    failure_penalty,
    non_maximum_suppression,
    rescored,
    search,
)

CLOSE_RATIO = 0.9
"""Close where the success predicted for staying is at least this share of the best motion's (Levine
et al. 2016, section IV-B)."""
RAISE_RATIO = 0.9
"""Rise first where it is less than this share (0.5 there)."""
FLOOR = 0.09
"""m above the floor; fingertips below it close rather than go further down."""
HOVER = (0.25, 0.12)
"""m above the floor, heights of the fingertips at which the hand observes again on its first way
down."""
RISE = 0.10
"""m."""
_EXPLORING_SAMPLES, _EXPLORING_ITERATIONS = 32, 2
"""Of the search when exploring: a draw among good motions does not need the best one."""
_EXPLORING_TEMPERATURE = 0.5
"""In units of the logit."""
_ALTERNATIVES = 12
"""Motions in a plan beside the chosen one."""


class ServoMethod(Method):
    """Servoes to the best motion (Levine et al. 2016, section IV-B). Subclasses learn to score
    motions."""

    @property
    @abstractmethod
    def servo(self) -> ServoConfig:
        """The part of the config that is about servoing."""

    @abstractmethod
    def scorer(self, context: Context, *, calibrated: bool = False) -> MotionScorer:
        """What scores motions from the images of a context.

        Args:
            context: images, hand and goal.
            calibrated: use the first image alone, and the calibration of its camera in place of the
                estimated pose.

        Raises:
            InputError: a goal that this method does not know.
        """

    @property
    def examples_key(self) -> list[object]:
        """What `examples.gather` reads of the config."""
        config, patches = self.servo, self.servo.patches
        read = (
            [config.image_px]
            if config.input is PredictorInput.IMAGES
            else [IMAGE_PX, patches.pixel, patches.stored_px, patches.planes]
        )
        return [EXAMPLES_VERSION, config.view, config.later_images, config.input, *read]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather`."""
        return gather(source, split, self.servo, rng)

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `batches.batch_of` and, for whole images, `batches.whole_batch_of`."""
        if self.servo.input is PredictorInput.IMAGES:
            return whole_batch_of(examples, indices, self.servo, rng, augment=augment)
        return batch_of(examples, indices, self.servo.patches, rng, augment=augment)

    def plan(self, context: Context, *, temperature: float = 0.0, steps: int | None = None) -> Plan:
        """The next motion, or to close.

        Scores are predicted probabilities of success less the failure penalty: the chosen motion's
        first, then those of the best ones after non-maximum suppression.

        Args:
            context: images, hand, goal and earlier misses.
            temperature: of the logits, at which the motion is drawn among all scored ones; 0 takes
                the best.
            steps: most motions of an attempt; `ServoConfig.steps` by default.
        """
        left = (self.servo.steps if steps is None else steps) - context.step
        if left <= 0:
            return Plan.only(Close())
        with evaluating(self):
            everything, scored = self._search(context, exploring=temperature > 0)
        hand, floor = hand_of(context.observation), context.spec.workspace.low[2]
        pick = draw(scored.logits, temperature, context.rng())
        chance = _sigmoid(scored.logits)
        standing = (
            float(chance[0] / max(chance[pick.index], 1e-6))
            if over_the_bin(hand, context.spec)
            else 0.0
        )
        action = self._towards(scored.poses[pick.index], standing, hand, context.spec, left)
        others = non_maximum_suppression(everything, _ALTERNATIVES, MISS_RADIUS)
        scores = np.r_[
            chance[0] if isinstance(action, Close) else chance[pick.index],
            _sigmoid(everything.logits[others]),
        ]
        actions = (action, *(_move(hand, pose, floor) for pose in everything.poses[others]))
        return Plan(actions, scores, calibrated=True, chosen=0, probability=pick.probability)

    def _towards(
        self, pose: FloatArray, standing: float, hand: FloatArray, spec: CellSpec, left: int
    ) -> Action:
        """The next of at most `left` steps: over the bin, then down by the hover heights, with a
        correction at each; on the floor close, correct, or rise."""
        workspace = spec.workspace
        height = hand[2] - workspace.surface
        if not over_the_bin(hand, spec):
            return _move(hand, pose, HOVER[0] + workspace.surface)
        if height < FLOOR:
            if standing >= CLOSE_RATIO or left == 1:
                return Close()
            if standing < RAISE_RATIO and left > 2:
                return Move(np.array([0.0, 0.0, RISE]), 0.0)
            return _move(hand, pose, hand[2])
        # A hand that rose for another try goes down at once; one that comes from above observes
        # again on the way.
        pause = HOVER[1] if height > (HOVER[0] + HOVER[1]) / 2 and left > 1 else None
        return _move(hand, pose, workspace.low[2] if pause is None else pause + workspace.surface)

    def _search(self, context: Context, *, exploring: bool) -> tuple[Scored, Scored]:
        """All scored motions, and those that may be chosen: all of them when exploring, else the
        best ones, rescored."""
        hand = hand_of(context.observation)
        over = np.array([*hand[:2], hand[3]]) if over_the_bin(hand, context.spec) else None
        return self._searched(
            self.scorer(context),
            over,
            context,
            np.random.default_rng([context.seed, context.step]),
            exploring=exploring,
        )

    def _searched(
        self,
        scorer: MotionScorer,
        over: FloatArray | None,
        context: Context,
        rng: np.random.Generator,
        *,
        exploring: bool,
    ) -> tuple[Scored, Scored]:
        def worth(score: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
            return lambda poses: score(poses) - failure_penalty(poses, context.misses)

        config = self.servo.search
        if exploring:
            config = replace(config, samples=_EXPLORING_SAMPLES, iterations=_EXPLORING_ITERATIONS)
        scored = search(worth(scorer.logits), over, context.spec.workspace, config, rng)
        return scored, scored if exploring else rescored(scored, worth(scorer.careful_logits))

    def variants(self) -> Mapping[str, Policy]:
        """explore: see `exploring`; no_failure_memory: without the failure penalty, as in the
        paper; open: open loop, from the first image and the camera's calibration."""
        return {
            **super().variants(),
            "no_failure_memory": WithContext(self, "no failure memory", {"misses": ()}),
            **({} if self.servo.input is PredictorInput.IMAGES else {"open": _OpenLoop(self)}),
        }

    def numbered_variants(self) -> Mapping[str, Callable[[int], Policy]]:
        """exploreN: as explore, with at most N motions."""
        return {"explore": self._exploring}

    def _exploring(self, steps: int) -> Policy:
        if not 2 <= steps <= self.servo.steps:
            raise InputError(
                given=f"explore{steps} of {self.name}",
                wanted=f"from 2 to {self.servo.steps} motions",
            )
        return _Exploring(self, steps)

    def exploring(self) -> Policy:
        """Draws among all scored motions in proportion to exp(logit / 0.5)."""
        return _Exploring(self, self.servo.steps)


@dataclass(frozen=True)
class _OpenLoop:
    """Plans once, from the first image and the camera's calibration, and goes there: the open loop
    baseline (Levine et al. 2016, section VI-B)."""

    method: ServoMethod
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method.name}, open loop"

    def plan(self, context: Context) -> Plan:
        method, spec, hand = self.method, context.spec, hand_of(context.observation)
        if hand[2] - spec.workspace.surface < HOVER[0] - 0.02:
            return Plan.only(Close())
        with evaluating(method):
            # The same image and the same seed at every step: the same pose.
            _, scored = method._searched(
                method.scorer(context, calibrated=True),
                None,
                context,
                context.rng(),
                exploring=False,
            )
        best = int(scored.logits.argmax())
        height = (
            spec.workspace.low[2] if over_the_bin(hand, spec) else HOVER[0] + spec.workspace.surface
        )
        return Plan(
            (_move(hand, scored.poses[best], height),),
            _sigmoid(scored.logits[best : best + 1]),
            calibrated=True,
        )


@dataclass(frozen=True)
class WithContext:
    """The same method with some `Context` fields overridden.

    Attributes:
        method: that plans.
        title: what reports add to its name.
        overrides: `Context` fields and their values.
    """

    method: ServoMethod
    title: str
    overrides: Mapping[str, Any]
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The method's, and the title."""
        return f"{self.method.name}, {self.title}"

    def plan(self, context: Context) -> Plan:
        """The method's, in that context."""
        return self.method.plan(replace(context, **self.overrides))


@dataclass(frozen=True)
class _Exploring:
    method: ServoMethod
    steps: int
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.method.name

    def plan(self, context: Context) -> Plan:
        return self.method.plan(context, temperature=_EXPLORING_TEMPERATURE, steps=self.steps)


def _move(hand: FloatArray, pose: FloatArray, height: float) -> Move:
    turn = smaller_turn(pose[2] - hand[3])
    return Move(np.array([*(pose[:2] - hand[:2]), height - hand[2]]), turn)


def _sigmoid(x: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))
