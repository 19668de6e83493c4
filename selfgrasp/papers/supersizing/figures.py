"""What Pinto & Gupta 2016 publish."""

from __future__ import annotations

from selfgrasp.papers.published import Figure

BY_DATA = {
    "novel": {5_000: 0.508, 10_000: 0.578, 20_000: 0.756, 40_000: 0.769},
    "seen": {5_000: 0.794, 10_000: 0.872, 20_000: 0.927, 40_000: 0.957},
}
"""Accuracy by number of attempts and set of objects, figure 8."""
STAGES = {0: 0.769, 1: 0.793, 3: 0.795}
"""Accuracy on novel objects by rounds of staged learning."""
SCRATCH, ALONE = 0.646, 0.723
"""Accuracy without pretrained layers, and without the other objects' data."""
FIGURES = (
    Figure("prediction", "accuracy", STAGES[0], "table II, without staged learning", "novel"),
    Figure("isolated", "success", 0.66, "section IV.F", "novel"),
    Figure("isolated", "success", 0.73, "section IV.F", "seen"),
    Figure("clear", "interactions", 26.0, "section IV.F"),
)
