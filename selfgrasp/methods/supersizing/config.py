"""Config and presets of Pinto & Gupta's grasp network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from selfgrasp.core import InputError


class Task(StrEnum):
    """What is learned.

    grasp: whether a grasp holds. rotation: by which multiple of 90 degrees a patch was turned
    (Gidaris et al. 2018), a pretext that needs no attempt's outcome. Only its trunk is of use.
    """

    GRASP = "grasp"
    ROTATION = "rotation"


CLEARANCES = 5
"""Numbers that `network.clearances` gives for a grasp."""
PALM_CLEARANCES = 3
"""Numbers that `network.under_palm` gives for a grasp."""


class Angles(StrEnum):
    """How 18 angles are scored.

    outputs: one unrotated patch, 18 outputs (published). rotated: one output, applied to the patch
    rotated to each of the 18 angles, which share their weights.
    """

    OUTPUTS = "outputs"
    ROTATED = "rotated"


class Reference(StrEnum):
    """How the height of the fingertips enters the network.

    subtracted: heights are relative to the fingertips, so that what the fingers would hit is above
    zero. Every place and angle has an input of its own. late: heights are above the table, and the
    fingertips' height joins after the convolutional layers, which can run once over a whole map.
    """

    SUBTRACTED = "subtracted"
    LATE = "late"


class Channels(StrEnum):
    """What a patch holds."""

    COLOR = "color"
    COLOR_HEIGHT = "color_height"


class Trunk(StrEnum):
    """Which network.

    compact: small valid convolutions. alexnet: the five convolutions of Krizhevsky et al. 2012, as
    Caffe has them: 96 to 384 channels, two groups, local response normalisation. alexnet_owt: those
    of Krizhevsky 2014 ("one weird trick"), as torchvision has them: 64 to 384 channels, no groups,
    no normalisation.
    """

    COMPACT = "compact"
    ALEXNET = "alexnet"
    ALEXNET_OWT = "alexnet_owt"


class Choice(StrEnum):
    """Which grasp is done.

    best: of the distinct candidates, drawn at `temperature`. candidates: likewise, at temperature
    1: what the policy is about to do, and what it would do next. sampled: from everything that was
    scored, in proportion to the probability of success (staged learning, section III.D).
    """

    BEST = "best"
    CANDIDATES = "candidates"
    SAMPLED = "sampled"


@dataclass(frozen=True)
class SupersizingConfig:
    """The network, its input, and how it plans.

    Attributes:
        angles: published outputs or shared weights.
        reference: of heights.
        clearance: whether the network's head also gets the clearances of the fingers (see
            `network.clearances`). Needs a dense plan.
        palm: likewise of the palm (see `network.under_palm`); needs `clearance`.
        rescorer: re-score the top `proposals` with a second network whose input shows the gripper
            (see `network.with_hand_drawn`), and take the mean of both; needs `clearance`.
        proposals: distinct grasps that the rescorer scores.
        openings: shares of the full opening among which a plan chooses the fingers' width on the
            way down. A single 1.0, as published, leaves them open.
        channels: of a patch.
        trunk: the convolutional layers.
        widths: channels of the compact trunk's five layers.
        hidden: units of the fully connected layers.
        dropout: in front of the last layer.
        bins: angles over [0, pi).
        context: side of a patch in gripper openings (section III.B: 1.5).
        pixels: px, side of the network's input.
        map_pixels: px of the heightmap across a patch: the resolution of stored data and of plans.
        view: name of the view; None takes the first.
        round_weight: weight of an example that a trained model collected (Gamma, section III.D).
        shift: cells of the heightmap, largest random shift of a training patch.
        jitter: largest random change of brightness and contrast; that of colour balance is a third.
        points: sampled places where the plan is not dense (section III.D: 800).
        candidates: of a plan.
        rerank: best candidates that are scored again by the mean over places around each, and are
            then all that a plan holds. 0: none; the paper's test on the robot: 10.
        choice: which grasp is done.
        exploration: which grasp is done while collecting data for the next round.
        temperature: of the candidates' log odds, with which `Choice.BEST` draws one (see
            `core.draw`); 0, as published, takes the best.
        task: what is learned; only a network that learned grasps can plan.
    """

    angles: Angles = Angles.ROTATED
    reference: Reference = Reference.LATE
    clearance: bool = False
    palm: bool = False
    rescorer: bool = False
    proposals: int = 60
    openings: tuple[float, ...] = (0.45, 0.7, 1.0)
    channels: Channels = Channels.COLOR_HEIGHT
    trunk: Trunk = Trunk.COMPACT
    widths: tuple[int, int, int, int, int] = (16, 24, 32, 48, 64)
    hidden: tuple[int, ...] = (128, 64)
    dropout: float = 0.0
    bins: int = 18
    context: float = 1.5
    pixels: int = 45
    map_pixels: int = 45
    view: str | None = None
    round_weight: float = 3.0
    shift: float = 1.0
    jitter: float = 0.2
    points: int = 800
    candidates: int = 20
    rerank: int = 0
    choice: Choice = Choice.BEST
    exploration: Choice = Choice.CANDIDATES
    temperature: float = 0.5
    task: Task = Task.GRASP

    @staticmethod
    def upgraded(data: Mapping[str, Any]) -> Mapping[str, Any]:
        """JSON values of checkpoints of selfgrasp 0.1 as those of this class.

        Raises:
            InputError: a field that is a constant today, with another value.
        """
        for name, value in _CONSTANTS.items():
            if data.get(name, value) != value:
                raise InputError(
                    given=f"a config of selfgrasp 0.1 with {name} = {data[name]}",
                    wanted=f"{name} = {value}, which is a constant today",
                )
        return {
            _RENAMED.get(name, name): value
            for name, value in data.items()
            if name not in _CONSTANTS
        }

    def __post_init__(self) -> None:
        if not self.openings or min(self.openings) <= 0 or max(self.openings) > 1:
            raise InputError(
                given=f"openings = {self.openings}",
                wanted="shares of the gripper's opening, above 0 and up to 1",
            )
        if self.clearance and not self.dense:
            raise InputError(
                given="clearance = True for this network",
                wanted="rotated angles, late heights and the compact trunk",
            )
        if self.clearance and self.channels is Channels.COLOR:
            raise InputError(
                given=f"clearance = True with channels = {self.channels}",
                wanted="channels with a height, of which clearances are read",
            )
        if (self.palm or self.rescorer) and not self.clearance:
            raise InputError(
                given=f"palm = {self.palm}, rescorer = {self.rescorer} without clearance",
                wanted="clearance = True with either",
            )
        if self.rescorer and self.proposals < self.candidates:
            raise InputError(
                given=f"proposals = {self.proposals}, candidates = {self.candidates}",
                wanted="at least as many proposals as candidates",
            )
        if self.trunk is Trunk.COMPACT and self.pixels != 45:
            raise InputError(
                given=f"pixels = {self.pixels} for the compact trunk",
                wanted="45, which its valid convolutions reduce to one cell",
            )
        if self.trunk is Trunk.COMPACT and self.map_pixels != self.pixels and self.dense:
            raise InputError(
                given=f"map_pixels = {self.map_pixels} for a dense plan",
                wanted=f"{self.pixels}: a patch is cut from the map without scaling",
            )
        if self.task is Task.ROTATION and self.angles is not Angles.OUTPUTS:
            raise InputError(
                given=f"angles = {self.angles} for the task {self.task}",
                wanted=f"{Angles.OUTPUTS}: patches that lie as the world does",
            )

    @property
    def late(self) -> int:
        """How many numbers of the hand join after the spatial layers: the fingertips' height, the
        fingers' opening, the clearances. The pretext needs none."""
        if self.task is Task.ROTATION:
            return 0
        return (
            (self.reference is Reference.LATE)
            + (len(self.openings) > 1)
            + CLEARANCES * self.clearance
            + PALM_CLEARANCES * self.palm
        )

    @property
    def dense(self) -> bool:
        """Whether whole maps can be scored at once."""
        return (
            self.angles is Angles.ROTATED
            and self.reference is Reference.LATE
            and self.trunk is Trunk.COMPACT
        )

    @property
    def outputs(self) -> int:
        """Numbers that the network gives for a patch."""
        if self.task is Task.ROTATION:
            return 4
        return self.bins if self.angles is Angles.OUTPUTS else 1


_RENAMED = {"second": "rescorer", "exploring": "exploration"}
_CONSTANTS = {"minimum_height": 0.006, "apart": 0.02, "neighbours": 10, "explored": 9}


def small() -> SupersizingConfig:
    """Trains on two CPU cores in minutes: weights shared over angles, whole maps scored at once,
    the best proposals scored again by a second network."""
    return SupersizingConfig(clearance=True, palm=True, rescorer=True)


def outputs() -> SupersizingConfig:
    """`small` with the published 18 outputs."""
    return SupersizingConfig(angles=Angles.OUTPUTS, reference=Reference.SUBTRACTED, openings=(1.0,))


def pretext() -> SupersizingConfig:
    """`small`'s trunk, trained without labels to see by which multiple of 90 degrees a patch was
    turned: what `train supersizing --trunk` starts from."""
    return replace(
        small(),
        task=Task.ROTATION,
        angles=Angles.OUTPUTS,
        clearance=False,
        palm=False,
        rescorer=False,
    )


def paper() -> SupersizingConfig:
    """The paper's network and input: colour alone, 227 px, five AlexNet layers, 4096 and 1024
    units, 18 outputs. For a GPU.

    18 logistic outputs stand for the paper's 18 two-way softmaxes: softmax(a, b) is the logistic
    function of b - a. The package brings no ImageNet weights; `pretrained.load_trunk` and `train
    --trunk` take Caffe's.
    """
    network = replace(
        outputs(),
        trunk=Trunk.ALEXNET,
        channels=Channels.COLOR,
        hidden=(4096, 1024),
        dropout=0.5,
        pixels=227,
        map_pixels=64,
    )
    return replace(network, rerank=10, temperature=0.0, exploration=Choice.SAMPLED)


def paper_owt() -> SupersizingConfig:
    """`paper` with torchvision's AlexNet as the trunk, whose ImageNet weights are easier to come
    by. The fully connected layers stay the paper's."""
    return replace(paper(), trunk=Trunk.ALEXNET_OWT)
