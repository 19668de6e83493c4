"""What Mahler et al. 2017 publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from selfgrasp.papers.published import Figure


@dataclass(frozen=True)
class Published:
    """A row of the paper; None where it has no figure.

    Attributes:
        success: share of all tries.
        precision: of the grasps called robust.
        robust_share: of the grasps that are called robust.
        plan_seconds: of a plan.
    """

    success: float
    precision: float | None
    robust_share: float | None
    plan_seconds: float

    @property
    def figures(self) -> Mapping[str, float]:
        """By metric of `shake`, those that there are."""
        return {name: value for name, value in vars(self).items() if value is not None}


PAPER: Mapping[tuple[str, str], Published] = {
    ("adversarial", "GQ"): Published(0.93, None, None, 0.8),
    ("household", "igq"): Published(0.60, None, None, 1.8),
    ("household", "registration"): Published(0.52, None, None, 3.4),
    ("household", "GQ-Adv-Phys"): Published(0.68, 0.68, 1.00, 0.7),
    ("household", "GQ-Adv"): Published(0.74, 0.87, 0.30, 0.7),
    ("household", "GQ-S"): Published(0.72, 0.92, 0.48, 0.8),
    ("household", "GQ"): Published(0.80, 1.00, 0.58, 0.8),
    ("novel", "GQ, CEM"): Published(0.94, 0.99, None, 2.5),
}
"""By our set of objects and row: eight known objects (abstract), ten household objects (table IV),
forty novel ones with CEM (section VI-G)."""


def _of(objects: str, row: str, where: str, variant: str = "") -> tuple[Figure, ...]:
    return tuple(
        Figure("shake", metric, value, where, objects=objects, variant=variant)
        for metric, value in PAPER[objects, row].figures.items()
        if metric != "plan_seconds"
    )


def _plan(objects: str, row: str, where: str, variant: str = "") -> Figure:
    seconds = PAPER[objects, row].plan_seconds
    return Figure("shake", "plan_seconds", seconds, where, variant=variant)


FIGURES = (
    *_of("adversarial", "GQ", "abstract"),
    *_of("household", "GQ", "table IV"),
    *_of("novel", "GQ, CEM", "section VI-G", "cem"),
    _plan("household", "GQ", "table IV"),
    _plan("novel", "GQ, CEM", "section VI-G", "cem"),
    Figure("shake", "plan_seconds", 0.625, "Satish et al. 2019, FC-GQ-CNN", variant="dense"),
)
"""The paper's figures, from ABB's YuMi with 3D-printed and household objects."""
