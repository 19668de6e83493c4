"""`deplete`: failures counted by hand, and whose published figure stands beside a row."""

from pathlib import Path

import pytest

from selfgrasp.evaluation.played import _paper
from selfgrasp.learn import save
from selfgrasp.methods.registry import build
from selfgrasp.protocols.clear import CLEAR
from selfgrasp.protocols.deplete import (
    DEPLETE,
    FAILURE_WITH_REPLACEMENT,
    FAILURES,
    failures,
    grasps,
    metrics,
)
from selfgrasp.protocols.episode import Episode


def episode(
    outcomes: tuple[bool, ...], *, cleared: bool, replaced: tuple[bool, ...] = (True,)
) -> Episode:
    held = sum(outcomes)
    return Episode(0, len(outcomes), held, held, 0, 0, cleared, 60.0, 1.0, (), outcomes, replaced)


def test_failures_of_the_first_grasps_are_counted_by_hand():
    played = episode((True,) * 8 + (False,) * 2 + (True, False) * 10, cleared=False)
    assert [failures(played, n) for n in (10, 20, 30)] == [2, 7, 12]
    assert [grasps(played, n) for n in (10, 20, 30)] == [10, 20, 30]


def test_an_empty_bin_asks_for_no_more_and_giving_up_fails_the_rest():
    cleared, gave_up = episode((True,) * 12, cleared=True), episode((True,) * 12, cleared=False)
    assert (failures(cleared, 30), grasps(cleared, 30)) == (0, 12)
    assert (failures(gave_up, 30), grasps(gave_up, 30)) == (18, 30)


def test_rates_are_over_all_grasps_of_all_bins():
    bins = [
        episode((False,) * 30, cleared=False, replaced=(False, True)),
        episode((True,) * 12, cleared=True, replaced=(True, True)),
    ]
    found = metrics(bins)
    assert found[FAILURES[10]].value == pytest.approx(0.5)
    assert found[FAILURES[30]].value == pytest.approx(30 / 42)
    assert found[FAILURE_WITH_REPLACEMENT].value == pytest.approx(0.25)


def test_a_row_has_the_figure_of_its_own_paper_and_variant(tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save(path, build("hand_eye"))
    assert _paper(DEPLETE, "failure_first_10", "novel", str(path)) == 0.10
    assert _paper(DEPLETE, "failure_first_10", "novel", f"{path}+open") == 0.275
    assert _paper(DEPLETE, "failure_first_10", "novel", "supersizing") is None
    assert _paper(DEPLETE, "failure_first_10", "novel", "heuristic") is None
    assert _paper(CLEAR, "interactions", "mixed", str(path)) is None
    assert _paper(CLEAR, "interactions", "mixed", "supersizing") == 26.0
