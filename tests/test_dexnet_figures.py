"""Figures of Dex-Net 2.0: those of the paper, and those of networks beside analytic labels, on
scores whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from selfgrasp.papers.dexnet.agreement import average_precision_by_group, figures
from selfgrasp.papers.published import published
from selfgrasp.protocols.prediction import Predictions


def predictions(scores: list[float], held: list[int], groups: str) -> Predictions:
    return Predictions(np.array(scores), np.array(held, dtype=bool), np.array(list(groups)))


def test_figures_by_hand():
    found = figures(predictions([0.9, 0.8, 0.6, 0.2], [1, 0, 1, 0], "aabb"))
    assert (found["n"], found["robust"]) == (4, 0.5)
    assert found["accuracy"]["value"] == 0.75
    # Precision is 1 at the first good grasp and 2 / 3 at the second.
    assert found["average_precision"]["value"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auc"]["value"] == 0.75
    assert {found[name]["n"] for name in ("accuracy", "average_precision", "auc")} == {2}


def test_where_no_grasp_is_robust_there_is_an_accuracy_and_no_ranking():
    found = figures(predictions([0.9, 0.2, 0.1], [0, 0, 0], "abc"))
    assert found["accuracy"]["value"] == pytest.approx(2 / 3)
    assert found["average_precision"]["n"] == found["auc"]["n"] == 0


def test_the_interval_is_over_objects():
    alike = predictions([0.9, 0.8, 0.7, 0.1] * 5, [1, 0, 1, 0] * 5, "a" * 20)
    found = average_precision_by_group(alike)
    assert found.low == found.value == found.high
    rng = np.random.default_rng(0)
    held = rng.random(200) < 0.4
    scores = held + rng.normal(0.0, 1.0, 200)
    spread = average_precision_by_group(Predictions(scores, held, rng.integers(20, size=200)))
    assert spread.low < spread.value < spread.high


@pytest.mark.parametrize(
    ("variant", "metric", "objects", "value"),
    [
        ("", "success", "household", 0.80),
        ("", "precision", "household", 1.00),
        ("cem", "success", "novel", 0.94),
        ("", "success", "novel", None),
        ("", "plan_seconds", "novel", 0.8),
        ("cem", "plan_seconds", "adversarial", 2.5),
        ("dense", "plan_seconds", "adversarial", 0.625),
    ],
)
def test_the_paper_s_figures_stand_beside_their_rows(
    variant: str, metric: str, objects: str, value: float | None
):
    assert value == published(
        method="dexnet", variant=variant, protocol="shake", metric=metric, objects=objects
    )
