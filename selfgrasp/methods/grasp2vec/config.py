"""Config and presets of Grasp2Vec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial

from selfgrasp.core import InputError
from selfgrasp.learn.hindsight import Labels
from selfgrasp.servo import ServoConfig


class Objective(StrEnum):
    """What the towers learn.

    npairs: the difference of a scene's vectors is the vector of what was held (section 3).
    reconstruction: a picture's vector says what the picture looks like, as an autoencoder's does
    (table 2, row 5).
    """

    NPAIRS = "npairs"
    RECONSTRUCTION = "reconstruction"


@dataclass(frozen=True)
class TowerConfig:
    """A pre-activation ResNet without its last block: a convolution and a pooling of stride 2 each,
    then blocks of bottleneck units.

    Attributes:
        stem: channels of the first convolution, 7 x 7.
        units: of each block.
        channels: that each block gives.
        strides: of each block's first unit.
        squeeze: how many times fewer channels a unit has inside.
        color_levels: of each of red, green and blue; shares of pixels by color stand beside the
            features then, see `colors.Colors`. 0: none, as published.
        gray: the convolutions see the mean of red, green and blue alone.
    """

    stem: int = 24
    units: tuple[int, ...] = (1, 2, 3)
    channels: tuple[int, ...] = (64, 128, 192)
    strides: tuple[int, ...] = (1, 2, 1)
    squeeze: int = 4
    color_levels: int = 0
    gray: bool = False

    def __post_init__(self) -> None:
        if not len(self.units) == len(self.channels) == len(self.strides) > 0:
            raise InputError(
                given=f"units {self.units}, channels {self.channels}, strides {self.strides}",
                wanted="as many of each, one a block",
            )
        if self.color_levels == 1 or self.color_levels < 0:
            raise InputError(
                given=f"color_levels {self.color_levels}", wanted="0 for none, or 2 and more"
            )

    @property
    def numbers(self) -> int:
        """D, of a vector."""
        return self.channels[-1] + self.color_levels**3

    @property
    def stride(self) -> int:
        """px of a picture from one place of the map to the next."""
        stride = 4
        for factor in self.strides:
            stride *= factor
        return stride


@dataclass(frozen=True)
class CropConfig:
    """Squares of pictures that a tower sees. They are stored a little larger than it sees them:
    room for random offsets.

    Attributes:
        px: side that the tower sees.
        stored_px: side that is stored.
        size: m, side of the stored square around what is held; of a picture of a scene, how far the
            stored square reaches beyond the bin, as a share of the bin's.
    """

    px: int
    stored_px: int
    size: float

    def __post_init__(self) -> None:
        if not 0 < self.px <= self.stored_px:
            raise InputError(
                given=f"crops of {self.px} px out of {self.stored_px}",
                wanted="stored_px at least px, and px above 0",
            )


@dataclass(frozen=True)
class GoalConfig:
    """The goal-conditioned network: whether what a grasp would hold is the goal (section 4).

    Attributes:
        labels: what it learns from attempts, see there.
        truth: two pictures are similar where both show the same object, as the simulator alone
            knows: a ceiling (table 2, row 2), and said so by every report. Else as far as their
            vectors point the same way.
        embedded: goals and places are what the towers make of them, rather than learned further
            (table 2, row 8, where goals are vectors).
    """

    labels: Labels = Labels.SIMILARITY_AUXILIARY
    truth: bool = False
    embedded: bool = False


@dataclass(frozen=True)
class Grasp2VecConfig:
    """The towers, what they see, and how they are trained.

    Attributes:
        servo: camera pose network, success predictor, search and motions, as of hand_eye.
        tower: of both towers.
        scene: crops of the bin.
        held: crops of what is held.
        tied: one tower for scenes and held pictures, which must be as large then.
        objective: what the towers learn.
        cosine: the loss compares vectors by their cosine, times a learned scale, as retrieval does;
            else by their inner product, as published.
        regularization: lambda of `npairs`; of inner products alone.
        failures: learn also from failed grasps, which share one label and the vector 0.
        response_weight: of `response_loss`.
        batch: triplets of a batch, among which each finds its own.
        of_scene: triplets of one scene that come into a batch together: the floor does not tell
            them apart. 1: a scene counts for nothing.
        other_background: share of the held pictures that are shown before the scene of another
            triplet in training.
        window_px: side of the squares that are shown of before and after in training, around what
            changed between them, flipped alike; where nothing changed the difference is zero
            anyway. None: all of both, each flipped on its own, as published.
        turned: half of the triplets' pictures are transposed in training, too.
        jitter: largest random change of brightness and color, the same over a triplet.
        permuted: share of the training batches in which the three colors change places.
        not_found_threshold: least cosine of a goal's vector with the features of its likeliest
            place at which it is tried; None: always tried.
        accept_threshold: least cosine of the vectors of what is held and of the goal at which it
            is accepted, see `Verifies`; None: whatever is held.
        goal: the goal-conditioned network, which then learns alone; None: the towers learn.
    """

    servo: ServoConfig = field(default_factory=ServoConfig)
    tower: TowerConfig = field(default_factory=TowerConfig)
    scene: CropConfig = field(default_factory=lambda: CropConfig(112, 124, 0.18))
    held: CropConfig = field(default_factory=lambda: CropConfig(64, 72, 0.16))
    tied: bool = False
    objective: Objective = Objective.NPAIRS
    cosine: bool = False
    regularization: float = 0.0005
    failures: bool = False
    response_weight: float = 0.0
    batch: int = 32
    of_scene: int = 4
    other_background: float = 1.0
    window_px: int | None = None
    turned: bool = False
    jitter: float = 0.15
    permuted: float = 0.8
    not_found_threshold: float | None = None
    accept_threshold: float | None = 0.7
    goal: GoalConfig | None = None

    def __post_init__(self) -> None:
        sides = {self.scene.px, self.window_px or self.scene.px}
        if self.tied and sides != {self.held.px}:
            raise InputError(
                given=f"a tied tower, scenes of {self.scene.px} and held pictures of "
                f"{self.held.px} px, windows of {self.window_px}",
                wanted="the same size, so that one batch normalisation sees both",
            )
        if self.window_px is not None and not 0 < self.window_px <= self.scene.stored_px:
            raise InputError(
                given=f"window_px {self.window_px} of stored scenes of {self.scene.stored_px} px",
                wanted=f"from 1 to {self.scene.stored_px}, or None for all that is shown",
            )
        if self.not_found_threshold is not None and not -1 <= self.not_found_threshold <= 1:
            raise InputError(
                given=f"not_found_threshold {self.not_found_threshold:g}",
                wanted="a cosine, from -1 to 1, or None to try always",
            )
        if self.objective is Objective.RECONSTRUCTION and (self.failures or self.response_weight):
            raise InputError(
                given=f"objective {self.objective} with failures {self.failures} and "
                f"response_weight {self.response_weight:g}",
                wanted=f"objective {Objective.NPAIRS}, which they belong to",
            )


def small() -> Grasp2VecConfig:
    """Trains on two CPU cores: 192 numbers and 512 of colors, pictures of 112 and 64 px."""
    return Grasp2VecConfig(tower=TowerConfig(color_levels=8), cosine=True)


def paper() -> Grasp2VecConfig:
    """The published networks: three blocks of ResNet-50 v2, 1,024 numbers, pictures of 472 px. For
    a GPU and pictures of 512 px and more."""
    return Grasp2VecConfig(
        tower=TowerConfig(
            stem=64, units=(3, 4, 6), channels=(256, 512, 1024), strides=(1, 2, 2), squeeze=4
        ),
        scene=CropConfig(472, 512, 0.18),
        held=CropConfig(472, 512, 0.16),
    )


def windows() -> Grasp2VecConfig:
    """`small`, which sees of before and after what changed between them: a step takes 0.4 of the
    time."""
    return replace(small(), window_px=56)


def shapes() -> Grasp2VecConfig:
    """Shapes and patterns alone, twice as fine: for objects of one color, and pictures of 320 px
    and more. Windows, as a step of whole scenes would take many times as long."""
    return Grasp2VecConfig(
        tower=TowerConfig(gray=True),
        scene=CropConfig(224, 248, 0.18),
        held=CropConfig(128, 144, 0.16),
        cosine=True,
        batch=64,
        window_px=64,
        turned=True,
    )


def failures() -> Grasp2VecConfig:
    """`small`, also from failed grasps."""
    return replace(small(), failures=True)


def responses() -> Grasp2VecConfig:
    """`small`, also with the largest response before less the largest after."""
    return replace(small(), response_weight=1.0)


def tied() -> Grasp2VecConfig:
    """`small` with one tower for scenes and held pictures."""
    return replace(small(), tied=True, held=CropConfig(112, 124, 0.16))


def autoencoder() -> Grasp2VecConfig:
    """The towers of `small`, trained to reconstruct each picture from its vector."""
    return replace(small(), objective=Objective.RECONSTRUCTION)


_GOALS: Mapping[str, GoalConfig] = {
    "goal": GoalConfig(),
    "goal_similarity": GoalConfig(Labels.SIMILARITY),
    "goal_embedded": GoalConfig(Labels.SIMILARITY, embedded=True),
    "goal_posthoc": GoalConfig(Labels.POSTHOC),
    "goal_posthoc_auxiliary": GoalConfig(Labels.POSTHOC_AUXILIARY),
    "goal_truth": GoalConfig(Labels.SIMILARITY, truth=True),
}
"""The rows of table 2 that are trained over given towers."""


def _over(towers: Callable[[], Grasp2VecConfig], goal: GoalConfig) -> Grasp2VecConfig:
    return replace(towers(), goal=goal)


PRESETS: Mapping[str, Callable[[], Grasp2VecConfig]] = {
    "small": small,
    "windows": windows,
    "shapes": shapes,
    "failures": failures,
    "responses": responses,
    "tied": tied,
    "autoencoder": autoencoder,
    "paper": paper,
    **{name: partial(_over, small, goal) for name, goal in _GOALS.items()},
    **{f"paper_{name}": partial(_over, paper, goal) for name, goal in _GOALS.items()},
}
"""By name; `goal` and those that begin with it are the rows of table 2 and need the trained towers
of `small`, those that begin with `paper_goal` the towers of `paper`."""
