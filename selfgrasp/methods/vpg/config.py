"""Config and presets of pushing and grasping (VPG)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from selfgrasp.core import InputError
from selfgrasp.core.arrays import FloatArray


class Trunk(StrEnum):
    """Which convolutions.

    compact: five of them without a border, which see 31 px; slid over a map they give what they
    give for a patch. published: DenseNet-121, one for colors and one for heights, on the map
    enlarged four times; their 32 px are interpolated (section IV-C and the published code).
    """

    COMPACT = "compact"
    PUBLISHED = "published"


class Reward(StrEnum):
    """What a push is worth, beyond the values of what comes after it.

    change: 0.5 where it changed the heightmap (published). none: nothing (VPG-noreward). followed:
    whether the grasp that was done next held. next: the probability that the best grasp after it
    holds, as the target network sees it. rise: by how much that probability grew (EPG). measured:
    whether the best grasp after it holds, tried from the restored state, in simulation only.
    """

    CHANGE = "change"
    NONE = "none"
    FOLLOWED = "followed"
    NEXT = "next"
    RISE = "rise"
    MEASURED = "measured"


class Learning(StrEnum):
    """What the networks learn.

    q: Q-learning, rewards and the discounted best value of the next state (published). trial: the
    discounted rewards that really followed, as long as they did (SPOT). reactive: whether a grasp
    holds and whether a push changes anything, each at once. one_step: whether a grasp holds, and
    the push's reward alone.
    """

    Q = "q"
    TRIAL = "trial"
    REACTIVE = "reactive"
    ONE_STEP = "one_step"


@dataclass(frozen=True)
class VPGConfig:
    """The two networks, what they learn, and how they plan.

    Attributes:
        trunk: the convolutions of both networks.
        learning: what the networks learn.
        reward: what a push is worth.
        discount: of values of the next state, 0 to 1.
        pushes: whether it pushes at all; without, it is the grasping-only twin.
        color: whether the networks see colors.
        height: whether they see heights.
        clearances: whether the grasp network is told how far what lies under the fingers rises
            above the fingertips.
        balanced: whether replay is balanced between success and failure of each primitive.
        channels: of the convolutions.
        hidden: units of the layer after them.
        grasp_pixel, push_pixel: m, cells of the maps that the networks look at.
        grasp_turns: directions of grasps, over half a turn: both fingers are alike.
        push_turns: directions of pushes, over a whole turn.
        patience: what a push's value is multiplied by for each push since something was held.
        push_bias: by how much a push has to be better than the best grasp to be chosen.
        candidates: of each kind in a plan.
        epsilon: share of random actions of `+explore`.
        view: name of the view; None takes the first with depth.
    """

    trunk: Trunk = Trunk.COMPACT
    learning: Learning = Learning.ONE_STEP
    reward: Reward = Reward.FOLLOWED
    discount: float = 0.9
    pushes: bool = True
    color: bool = True
    height: bool = True
    clearances: bool = True
    balanced: bool = False
    channels: int = 16
    hidden: int = 64
    grasp_pixel: float = 0.004
    push_pixel: float = 0.008
    grasp_turns: int = 16
    push_turns: int = 16
    patience: float = 0.85
    push_bias: float = 0.1
    candidates: int = 12
    epsilon: float = 0.2
    view: str | None = None

    def __post_init__(self) -> None:
        for name in ("grasp_turns", "push_turns"):
            if getattr(self, name) < 1:
                raise InputError(given=f"{name} = {getattr(self, name)}", wanted="at least 1")
        if not (self.color or self.height):
            raise InputError(given="neither color nor height", wanted="one of them at least")

    @property
    def patch(self) -> int:
        """px, side of what one value is made of; odd."""
        return 31 if self.trunk is Trunk.COMPACT else 161

    @property
    def border(self) -> int:
        """px on every side of the middle of a patch."""
        return self.patch // 2

    @property
    def grasp_yaws(self) -> FloatArray:
        """(G,) rad, directions of grasps."""
        return np.arange(self.grasp_turns) * np.pi / self.grasp_turns

    @property
    def push_yaws(self) -> FloatArray:
        """(P,) rad, directions of pushes."""
        return np.arange(self.push_turns) * 2.0 * np.pi / self.push_turns

    @property
    def looks_ahead(self) -> bool:
        """Whether targets need the values of next states."""
        if self.learning is Learning.ONE_STEP:
            return self.pushes and self.reward in (Reward.NEXT, Reward.RISE)
        return self.learning is Learning.Q and self.discount > 0

    @property
    def looks_back(self) -> bool:
        """Whether targets need the values of the states before, too."""
        return self.looks_ahead and self.reward is Reward.RISE

    @property
    def probable(self) -> bool:
        """Whether values are probabilities, learned as logits."""
        return self.learning in (Learning.REACTIVE, Learning.ONE_STEP)


def small() -> VPGConfig:
    """Trains on two CPU cores: a grasp's value is whether it holds, a push's whether the grasp that
    comes next does."""
    return VPGConfig()


def balanced() -> VPGConfig:
    """As many successes as failures of each primitive in replay."""
    return VPGConfig(balanced=True)


def paper() -> VPGConfig:
    """The published networks and learning. For a GPU."""
    return VPGConfig(
        trunk=Trunk.PUBLISHED,
        learning=Learning.Q,
        reward=Reward.CHANGE,
        discount=0.5,
        balanced=True,
        clearances=False,
        grasp_turns=8,
        push_pixel=0.004,
        patience=1.0,
        push_bias=0.0,
    )


def published() -> VPGConfig:
    """The published learning with the small networks: rewards 1 and 0.5, discount 0.5."""
    return VPGConfig(
        learning=Learning.Q, reward=Reward.CHANGE, discount=0.5, patience=1.0, push_bias=0.0
    )


def grasping() -> VPGConfig:
    """Grasping only."""
    return VPGConfig(pushes=False)


def reactive() -> VPGConfig:
    """Pushing and grasping without a look ahead."""
    return VPGConfig(learning=Learning.REACTIVE, patience=1.0, push_bias=0.0)


def no_reward() -> VPGConfig:
    """The published learning without rewards for pushes."""
    return replace(published(), reward=Reward.NONE)


def short_sighted() -> VPGConfig:
    """The published learning with a discount of 0.2."""
    return replace(published(), discount=0.2)


def immediate() -> VPGConfig:
    """The published rewards alone, with a discount of 0: no next state has to be valued."""
    return replace(published(), discount=0.0)


def no_height() -> VPGConfig:
    """The published learning from colors alone."""
    return replace(published(), height=False, clearances=False)


def trial() -> VPGConfig:
    """SPOT's trial reward."""
    return replace(published(), learning=Learning.TRIAL, discount=0.65)


def ahead() -> VPGConfig:
    """A push is worth what the grasp network thinks of the best grasp after it."""
    return VPGConfig(reward=Reward.NEXT)


def rise() -> VPGConfig:
    """A push is worth by how much the grasp network's best value rises (EPG)."""
    return VPGConfig(reward=Reward.RISE)


def measured() -> VPGConfig:
    """A push is worth whether the best grasp after it holds, tried and undone. Simulation only."""
    return VPGConfig(reward=Reward.MEASURED)
