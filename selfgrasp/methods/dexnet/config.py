"""Config and presets of Dex-Net 2.0's grasp quality network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from selfgrasp.core import InputError


class Trunk(StrEnum):
    """Which network.

    published: four convolutions of 7, 5, 3 and 3 px with one number of filters, pooled after the
    second and the fourth, with local response normalisation (section IV-B, figure 4). compact:
    convolutions without a border that halve the crop twice, ten times faster; it can be slid over
    a whole picture.
    """

    PUBLISHED = "published"
    COMPACT = "compact"


class Reference(StrEnum):
    """What the network is shown.

    camera: depth from the camera (published). table: height above the table, which is the same
    wherever the camera is. In both the gripper's joins after the convolutions.
    """

    CAMERA = "camera"
    TABLE = "table"


class Ranking(StrEnum):
    """What a plan's grasps are ranked by.

    first: the probability of the first output (published). mean: the mean probability of all
    outputs, which still tells grasps apart where none is robust.
    """

    FIRST = "first"
    MEAN = "mean"


class Planner(StrEnum):
    """Which grasps a plan scores.

    rank: antipodal pairs of edges, each at several heights, and grasps spread over the objects
    (sample and rank). cem: the cross-entropy method, which begins with those (section V-A). dense:
    the network slid over the whole picture, turned to 16 angles, at several heights (Satish et al.
    2019, FC-GQ-CNN). The best of each are moved to the middle of what they close on and scored
    again.
    """

    RANK = "rank"
    CEM = "cem"
    DENSE = "dense"


@dataclass(frozen=True)
class NoiseConfig:
    """Noise of training pictures (section IV-B.3).

    Attributes:
        gamma_shape: of the gamma distribution with mean 1 of which one factor a crop is drawn; 0
            for none.
        deviation: m, of a Gaussian process over the pixels of half of the crops.
        correlation: px of the crop over which that process hangs together.
        pixel: m, of each pixel by itself.
    """

    gamma_shape: float = 1000.0
    deviation: float = 0.005
    correlation: int = 4
    pixel: float = 0.0


@dataclass(frozen=True)
class Output:
    """One output of the network: the probability that a label of candidates is above a number.

    Attributes:
        label: see `objects.quality.labels.LABELS`, and `rollout.tried.LABELS` of physical tries.
        above: the number.
    """

    label: str
    above: float


ROBUST = Output("epsilon", 0.002)
"""What Dex-Net 2.0 calls a robust grasp."""


@dataclass(frozen=True)
class DexNetConfig:
    """The network, its input, what it learns, and how it plans.

    Attributes:
        trunk: the convolutional layers.
        filters: of each published convolution, or of the first compact one.
        hidden: units of the two fully connected layers.
        pose_units: of the layer that takes the gripper's depth or height.
        reference: what pictures show.
        crop_size: m, side of a crop at the gripper's depth: 96 px at 0.7 m with 525 px.
        pixels: px, side of a crop.
        outputs: what the network predicts. The first is what a plan's scores are.
        ranking: what a plan's grasps are ranked by.
        noise: of training.
        view: name of the view; None takes the first with depth.
        planner: which grasps a plan scores.
        candidates: of a plan.
        pairs: antipodal pairs of edges that a plan scores.
        temperature: with which one of the candidates is drawn by its logit, see `core.draw`.
    """

    trunk: Trunk = Trunk.COMPACT
    filters: int = 16
    hidden: tuple[int, int] = (128, 64)
    pose_units: int = 16
    reference: Reference = Reference.TABLE
    crop_size: float = 0.128
    pixels: int = 32
    outputs: tuple[Output, ...] = (ROBUST, Output("epsilon", 0.0002), Output("free", 0.5))
    ranking: Ranking = Ranking.MEAN
    noise: NoiseConfig = field(default_factory=lambda: NoiseConfig(1e5, 0.002, pixel=0.001))
    view: str | None = None
    planner: Planner = Planner.CEM
    candidates: int = 16
    pairs: int = 300
    temperature: float = 0.0

    def __post_init__(self) -> None:
        if not self.outputs:
            raise InputError(given="no outputs", wanted="at least one")
        if self.trunk is Trunk.COMPACT and self.pixels != 32:
            raise InputError(given=f"pixels = {self.pixels}", wanted="32 for the compact trunk")
        if self.planner is Planner.DENSE and (
            self.trunk is not Trunk.COMPACT or self.reference is not Reference.TABLE
        ):
            raise InputError(
                given=f"planner {self.planner} with trunk {self.trunk}, reference {self.reference}",
                wanted=f"trunk {Trunk.COMPACT} and reference {Reference.TABLE}",
            )


def small() -> DexNetConfig:
    """Trains on two CPU cores: a compact network on heights above the table."""
    return DexNetConfig()


def physical() -> DexNetConfig:
    """The same network, which learns from what came of physical tries (GQ-Adv-Phys). What held
    stands in place of both robust outputs, so that training begins with weights of `small`."""
    held = Output("held", 0.5)
    return DexNetConfig(outputs=(held, held, Output("free", 0.5)))


def paper() -> DexNetConfig:
    """The published network and noise, 18 million weights. For a GPU."""
    return DexNetConfig(
        trunk=Trunk.PUBLISHED,
        filters=64,
        hidden=(1024, 1024),
        reference=Reference.CAMERA,
        outputs=(ROBUST,),
        ranking=Ranking.FIRST,
        noise=NoiseConfig(),
        planner=Planner.CEM,
    )


def paper_physical() -> DexNetConfig:
    """The published network, which learns from what came of physical tries."""
    return replace(paper(), outputs=(Output("held", 0.5),))
