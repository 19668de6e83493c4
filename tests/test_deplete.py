"""`deplete`: failures counted by hand, and whose published figure stands beside a row."""

from dataclasses import replace
from pathlib import Path

import helpers_play
import pytest
from helpers_play import record

from selfgrasp.common.intervals import Estimate
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.protocol import Measurement
from selfgrasp.learn import save
from selfgrasp.methods.registry import build
from selfgrasp.papers.published import published
from selfgrasp.protocols.clear import INTERACTIONS
from selfgrasp.protocols.deplete import (
    FAILURE_WITH_REPLACEMENT,
    FAILURES,
    failures,
    grasps,
    metrics,
)
from selfgrasp.protocols.metric import SUCCESS, Metric
from selfgrasp.protocols.prediction import ACCURACY
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.play import Episode


def episode(
    outcomes: tuple[bool, ...], *, left: int, replaced: tuple[bool, ...] = (True,) * 7
) -> Episode:
    return helpers_play.episode(
        list(map(record, outcomes)), left=left, replaced=list(map(record, replaced))
    )


def test_failures_of_the_first_grasps_are_counted_by_hand():
    played = episode((True,) * 8 + (False,) * 2 + (True, False) * 10, left=5)
    assert [failures(played, n) for n in (10, 20, 30)] == [2, 7, 12]
    assert [grasps(played, n) for n in (10, 20, 30)] == [10, 20, 30]


def test_an_empty_bin_asks_for_no_more_and_giving_up_fails_the_rest():
    cleared, gave_up = episode((True,) * 12, left=0), episode((True,) * 12, left=5)
    assert (failures(cleared, 30), grasps(cleared, 30)) == (0, 12)
    assert (failures(gave_up, 30), grasps(gave_up, 30)) == (18, 30)


def test_rates_are_over_all_grasps_of_all_bins():
    bins = [
        episode((False,) * 30, left=5, replaced=(False, True)),
        episode((True,) * 12, left=0, replaced=(True,) * 7),
    ]
    found = metrics(bins)
    assert found[FAILURES[10]].value == pytest.approx(0.5)
    assert found[FAILURES[30]].value == pytest.approx(30 / 42)
    # The first bin gave up after two of seven.
    assert found[FAILURE_WITH_REPLACEMENT].value == pytest.approx(6 / 14)


def test_a_row_has_the_figure_of_its_own_paper_and_variant(tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save(path, build("hand_eye"))
    job, out = BenchJob("deplete", (str(path),)), tmp_path

    def beside(text: str, protocol: str, metric: Metric, objects: str) -> float | None:
        measurement = Measurement(replace(job, protocol=protocol), (), out, 1, published)
        return measurement.row(Estimate(0.5, 0.4, 0.6, 9), resolve(text), objects, metric).paper

    assert beside(str(path), "deplete", FAILURES[10], "novel") == 0.10
    assert beside(f"{path}+open", "deplete", FAILURES[10], "novel") == 0.275
    assert beside("supersizing", "deplete", FAILURES[10], "novel") is None
    assert beside("heuristic", "deplete", FAILURES[10], "novel") is None
    assert beside(str(path), "clear", INTERACTIONS, "mixed") is None
    assert beside("supersizing", "clear", INTERACTIONS, "mixed") == 26.0
    assert beside("supersizing", "isolated", SUCCESS, "seen") == 0.73
    assert beside("supersizing", "isolated", SUCCESS, "validation") is None
    assert beside("supersizing", "prediction", ACCURACY, "novel") == 0.769
    assert beside("semantic", "prediction", ACCURACY, "novel") is None
