"""Config and presets of semantic grasping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from selfgrasp.servo import PatchConfig, SearchConfig, ServoConfig
from selfgrasp.servo.flat_config import (
    CONSTANTS,
    FLAT_FIELDS,
    nested_patches,
    nested_servo,
    require_constants,
)

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
    """How the grasp and its class are separated (Jang et al. 2017, figure 2).

    single: one softmax over the categories and failure. branches: two branches over a shared trunk,
    success and category. separated: as branches, with the success of a network of its own. box: the
    bounding-box baseline, a classifier of present images in random rotation over crops of the first
    image; the dorsal stream grasps anything in the best crop. presented: a classifier of present
    images as they are, which propagates labels.
    """

    SINGLE = "single"
    BRANCHES = "branches"
    SEPARATED = "separated"
    BOX = "box"
    PRESENTED = "presented"


class Decision(StrEnum):
    """How the probabilities of success p(g) and of the category p(c) are combined.

    product: p(g) p(c), all over the bin. published: see `scorer.PublishedScorer` (Jang et al. 2017,
    appendix C).
    """

    PRODUCT = "product"
    PUBLISHED = "published"


def ventral_patches(px: int) -> PatchConfig:
    """Patches of 14 cm at `px` pixels a side, with strong augmentation: the ventral stream is to
    know categories, not instances."""
    return PatchConfig(
        size=0.14,
        px=px,
        stored_px=round(px * 19 / 16),
        planes=(0.02,),
        jitter=0.25,
        zoom=0.2,
        shift=0.003,
        turn=0.05,
    )


_FIRST_SAMPLES, _STEPS = 192, 4


def _servo() -> ServoConfig:
    return ServoConfig(
        later_images=1, search=SearchConfig(first_samples=_FIRST_SAMPLES), steps=_STEPS
    )


@dataclass(frozen=True)
class SemanticConfig:
    """The streams, and how they are trained and combined.

    Attributes:
        structure: see there.
        attention: a shallower ventral network with soft keypoints in place of the deep one (Jang et
            al. 2017, appendix B.1).
        categories: names, in the order of the outputs.
        servo: the camera pose network, the dorsal stream's patches, search and motions.
        ventral: patches of the networks that know categories.
        widths: channels of these networks; the deep one ends with twice the last.
        present_share: present images, each with the motion of another attempt, that are added to a
            training batch, as a share of its size (auxiliary data, section 3.3).
        decision: see there.
        not_found_threshold: predicted probability of holding the category below which nothing is
            tried.
    """

    structure: Structure = Structure.SEPARATED
    attention: bool = False
    categories: tuple[str, ...] = CATEGORIES
    servo: ServoConfig = field(default_factory=_servo)
    ventral: PatchConfig = field(default_factory=lambda: ventral_patches(48))
    widths: tuple[int, ...] = (24, 32, 64, 128)
    present_share: float = 0.0
    decision: Decision = Decision.PRODUCT
    not_found_threshold: float = 0.0

    @staticmethod
    def upgraded(data: Mapping[str, Any]) -> Mapping[str, Any]:
        """JSON values of checkpoints of selfgrasp 0.1, which were flat, as those of this class.

        Raises:
            InputError: a field that is a constant today, with another value.
        """
        if "sees" not in data:
            return data
        ventral = data["ventral"]
        require_constants(data, _CONSTANTS)
        require_constants(ventral, CONSTANTS)
        servo = nested_servo({name: value for name, value in data.items() if name in FLAT_FIELDS})
        search = {"first_samples": _FIRST_SAMPLES, **servo["search"]}
        own = {
            _RENAMED.get(name, name): value
            for name, value in data.items()
            if name not in FLAT_FIELDS | _CONSTANTS.keys()
        }
        later = {"later_images": ventral.get("looks", 1), "search": search}
        return {
            **own,
            "servo": {"steps": _STEPS, **servo, **later},
            "ventral": nested_patches(ventral),
        }

    @property
    def answers(self) -> tuple[str, ...]:
        """Classes of the category branch: of a classifier of present images, everything that raters
        may answer."""
        return (
            (*self.categories, NO_OBJECT, SEVERAL, NONE_OF_THESE)
            if self.classifies_present_images
            else self.categories
        )

    @property
    def classifies_present_images(self) -> bool:
        """Whether this is a classifier of present images, and none of motions."""
        return self.structure in (Structure.BOX, Structure.PRESENTED)


_RENAMED = {"found": "not_found_threshold", "pictures": "present_share"}
_CONSTANTS = {"keypoints": 64, "recolor": 0.5, "hide": 0.3, "smoothed": 0.0, "reach": 0.08}


def small(
    structure: Structure = Structure.SEPARATED,
    *,
    attention: bool = False,
    present_share: float = 0.0,
) -> SemanticConfig:
    """Trains on two CPU cores in minutes.

    Args:
        structure: see there.
        attention: soft keypoints, see `SemanticConfig`.
        present_share: see `SemanticConfig`.
    """
    config = SemanticConfig(structure=structure, attention=attention, present_share=present_share)
    if attention:
        config = replace(config, widths=(32, 48, 96, 128))
    if config.classifies_present_images:
        config = replace(config, ventral=replace(ventral_patches(96), planes=()))
    return config


def paper(
    structure: Structure = Structure.SEPARATED,
    *,
    attention: bool = False,
    present_share: float = 0.0,
) -> SemanticConfig:
    """`small` with ventral patches of 96 px and networks twice as wide. For a GPU, images of 472 px
    and hundreds of thousands of attempts."""
    config = small(structure, attention=attention, present_share=present_share)
    planes = config.ventral.planes
    return replace(
        config,
        ventral=replace(ventral_patches(96), planes=planes),
        widths=tuple(2 * width for width in config.widths),
    )


PRESETS: Mapping[str, Callable[[], SemanticConfig]] = {
    "small": small,
    "single": partial(small, Structure.SINGLE),
    "branches": partial(small, Structure.BRANCHES),
    "attention": partial(small, attention=True),
    "box": partial(small, Structure.BOX),
    "presented": partial(small, Structure.PRESENTED),
    "attention_pictures": partial(small, attention=True, present_share=0.25),
    "branches_pictures": partial(small, Structure.BRANCHES, present_share=0.25),
    "paper": paper,
    "paper_single": partial(paper, Structure.SINGLE),
    "paper_branches": partial(paper, Structure.BRANCHES),
    "paper_branches_pictures": partial(paper, Structure.BRANCHES, present_share=0.25),
    "paper_attention": partial(paper, attention=True),
    "paper_attention_pictures": partial(paper, attention=True, present_share=0.25),
}
"""By name; `_pictures`: present images are added to batches, a quarter as many again."""
