"""What Zeng et al. 2018 publish, and what others do of the same task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from selfgrasp.papers.published import Figure


@dataclass(frozen=True)
class Published:
    """A row of tables I to III: means over runs."""

    completion: float
    grasp_success: float
    action_efficiency: float


PAPER: Mapping[tuple[str, str], Published] = {
    ("declutter", "grasping"): Published(0.909, 0.558, 0.558),
    ("declutter", "reactive"): Published(0.545, 0.594, 0.477),
    ("declutter", "small"): Published(1.0, 0.677, 0.609),
    ("arrangements", "grasping"): Published(0.406, 0.517, 0.517),
    ("arrangements", "reactive"): Published(0.482, 0.590, 0.464),
    ("arrangements", "small"): Published(0.827, 0.772, 0.601),
    ("arrangements", "short_sighted"): Published(0.791, 0.743, 0.537),
}
"""By table and preset."""

FIGURES = tuple(
    Figure(table, metric, value, where)
    for (table, preset), row in PAPER.items()
    if preset == "small"
    for where in ("table I" if table == "declutter" else "table II",)
    for metric, value in vars(row).items()
)
