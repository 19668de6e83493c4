"""What Jang et al. 2017 publish."""

from __future__ import annotations

from collections.abc import Mapping

from selfgrasp.papers.published import Figure

TABLE_2: Mapping[str, tuple[float, float, float, float]] = {
    "dorsal": (0.735, 0.153, 0.731, 0.126),
    "box": (0.539, 0.224, 0.597, 0.193),
    "single": (0.267, 0.169, 0.243, 0.153),
    "branches": (0.503, 0.330, 0.430, 0.233),
    "branches-aux-s1": (0.520, 0.317, 0.497, 0.296),
    "separated": (0.517, 0.318, 0.610, 0.250),
    "separated-aux": (0.625, 0.348, 0.564, 0.305),
    "attention": (0.486, 0.319, 0.621, 0.321),
    "attention-aux": (0.511, 0.342, 0.630, 0.354),
    "attention-aux-s1": (0.620, 0.412, 0.669, 0.318),
    "attention-aux-s2": (0.640, 0.460, 0.617, 0.390),
}
"""Table 2 by row: objects per attempt and class per attempt, on training objects and on unseen
ones."""
FIGURES: tuple[Figure, ...] = ()
"""None: every row of table 2 is another network, and a policy does not say which of them it is."""
