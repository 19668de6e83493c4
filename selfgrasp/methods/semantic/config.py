"""Presets of semantic grasping."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from selfgrasp.servo import ServoConfig

CATEGORIES = (
    "eraser",
    "scotch_tape",
    "comb",
    "shovel",
    "lego",
    "torch",
    "pen",
    "plastic_cup",
    "toy",
    "tool",
    "stapler",
    "toilet_brush",
    "paint_brush",
    "spoon",
    "bowl",
    "soda_can",
)
"""Those of Jang et al. 2017, table 1."""
NO_OBJECT, SEVERAL, NONE_OF_THESE = "no object", "several", "none of these"
"""What raters, and the classifier that learns from them, may answer beside a category (Jang et al.
2017, appendix A)."""


class Structure(StrEnum):
    """How grasp and class are parted (Jang et al. 2017, figure 2)."""

    SINGLE = "single"
    """One softmax over the categories and failure."""
    BRANCHES = "branches"
    """Two branches over a shared trunk: will it hold, and what."""
    SEPARATED = "separated"
    """As BRANCHES; whether it will hold is asked a network of its own."""
    BOX = "box"
    """A classifier of presented objects, turned anyhow, over crops of the first picture; where the
    best one lies, the dorsal stream grasps anything."""
    PRESENTED = "presented"
    """The same of objects as they are held up: it spreads labels."""


_SHALLOW = (32, 48, 96, 128)


def seeing(px: int) -> ServoConfig:
    """What the ventral stream sees: 14 cm at so many pixels a side, varied much in training, since
    what is to be told apart are kinds and not things."""
    return ServoConfig(
        patch=0.14,
        patch_px=px,
        stored_px=round(px * 19 / 16),
        planes=(0.02,),
        looks=1,
        jitter=0.25,
        zoom=0.2,
        shift=0.003,
        turn=0.05,
    )


@dataclass(frozen=True)
class SemanticConfig(ServoConfig):
    """What `ServoConfig` says is the dorsal stream's, and of searching and moving.

    Attributes:
        structure: see there.
        attention: a shallower network with soft keypoints instead of the deep one (Jang et al.
            2017, appendix B.1).
        categories: names, in the order of the outputs.
        ventral: what the streams that know categories see.
        widths: channels of the networks; the deep one ends with twice the last.
        keypoints: channels of the shallower one whose places are its features.
        recolor: share of the training examples whose three colours change places.
        hide: side of the square that is hidden in each training example, as a share of the patch's.
        pictures: how many presented pictures, each with a random motion, are added to a batch in
            training, as a share of its size.
        smoothed: added to the probability of a category before it is multiplied with that of a
            grasp, where what is asked for is sought as published: 0.5 in Jang et al. 2017, appendix
            C, see `look.PublishedScorer`. With 0 it is not sought so.
        reach: m from the hand within which it is then sought, once the hand is over the bin.
        found: probability of holding the category below which nothing is tried.
    """

    steps: int = 4
    first_samples: int = 192
    structure: Structure = Structure.SEPARATED
    attention: bool = False
    categories: tuple[str, ...] = CATEGORIES
    ventral: ServoConfig = field(default_factory=lambda: seeing(48))
    widths: tuple[int, ...] = (24, 32, 64, 128)
    keypoints: int = 64
    recolor: float = 0.5
    hide: float = 0.3
    pictures: float = 0.0
    smoothed: float = 0.0
    reach: float = 0.08
    found: float = 0.0

    @property
    def answers(self) -> tuple[str, ...]:
        """What the branch of categories tells apart: of the classifier, everything that raters
        answer."""
        return (
            (*self.categories, NO_OBJECT, SEVERAL, NONE_OF_THESE)
            if self.names_pictures
            else self.categories
        )

    @property
    def names_pictures(self) -> bool:
        """Whether this is a classifier of presented pictures, and none of motions."""
        return self.structure in (Structure.BOX, Structure.PRESENTED)


def small() -> SemanticConfig:
    """Trains on two CPU cores in minutes."""
    return SemanticConfig()


def single() -> SemanticConfig:
    """One softmax over the categories and failure."""
    return SemanticConfig(structure=Structure.SINGLE)


def branches() -> SemanticConfig:
    """Two branches, which also say what can be held."""
    return SemanticConfig(structure=Structure.BRANCHES)


def attention() -> SemanticConfig:
    """Separated, with soft keypoints."""
    return SemanticConfig(attention=True, widths=_SHALLOW)


def box() -> SemanticConfig:
    """The bounding-box baseline."""
    return SemanticConfig(structure=Structure.BOX, ventral=replace(seeing(96), planes=()))


def presented() -> SemanticConfig:
    """A classifier of presented pictures, which spreads labels."""
    return replace(box(), structure=Structure.PRESENTED)


def attention_pictures() -> SemanticConfig:
    """Separated, with soft keypoints, and a quarter as many presented pictures again."""
    return SemanticConfig(attention=True, widths=_SHALLOW, pictures=0.25)


def branches_pictures() -> SemanticConfig:
    """Two branches, and a quarter as many presented pictures again."""
    return SemanticConfig(structure=Structure.BRANCHES, pictures=0.25)


def paper() -> SemanticConfig:
    """Sees its 14 cm at 96 px, with streams twice as wide; wants a GPU, pictures of 472 px, and
    hundreds of thousands of attempts."""
    return _large(small())


def paper_single() -> SemanticConfig:
    """`single`, large."""
    return _large(single())


def paper_branches() -> SemanticConfig:
    """`branches`, large."""
    return _large(branches())


def paper_branches_pictures() -> SemanticConfig:
    """`branches_pictures`, large."""
    return _large(branches_pictures())


def paper_attention() -> SemanticConfig:
    """`attention`, large."""
    return _large(attention())


def paper_attention_pictures() -> SemanticConfig:
    """`attention_pictures`, large."""
    return _large(attention_pictures())


def _large(config: SemanticConfig) -> SemanticConfig:
    one, two, three, four = config.widths
    return replace(config, ventral=seeing(96), widths=(2 * one, 2 * two, 2 * three, 2 * four))
