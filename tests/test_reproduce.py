"""Reproducing a paper: stages that skip what is done, and the paper's figures beside ours."""

import json
from pathlib import Path

import pytest

from selfgrasp.core import InputError
from selfgrasp.runs import bench
from selfgrasp.runs.reproduce import REPRODUCTIONS, Args, as_text, reproduction_of, run, sized


def test_an_unknown_system_lists_the_known_ones():
    with pytest.raises(InputError, match=r"system 'supersize'.*exists: supersizing"):
        reproduction_of("supersize")


def test_given_sizes_win_over_the_presets():
    assert sized(Args("supersizing", Path("x"))).attempts == 6000
    assert sized(Args("supersizing", Path("x"), preset="paper")).attempts == 50_000
    assert sized(Args("supersizing", Path("x"), preset="paper")).trials is None, "None is a protocol's full number"
    given = sized(Args("supersizing", Path("x"), attempts=7, trials=8, epochs=9))
    assert (given.attempts, given.trials, given.epochs) == (7, 8, 9)


def test_the_paper_stands_in_the_last_column():
    row = {"metric": "success", "objects": "novel", "policy": "a", "value": 0.5, "low": 0.25, "high": 0.75, "n": 4, "paper": 0.66}
    ours, theirs = as_text([{**row, "paper": None}, row]).splitlines()[1:]
    assert ours.endswith(" 4")
    assert theirs.endswith(" 0.66")
    assert " a  " in theirs


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_stage_runs_and_is_skipped_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    args = Args("supersizing", tmp_path / "out", policies=(), workers=1, quick=True)
    assert run(args) == 0
    report = json.loads((args.out / "report.json").read_text())
    papers = {(row["metric"], row["objects"]): row["paper"] for row in report["rows"] if row["paper"] is not None}
    assert papers == {("accuracy", "novel"): 0.769, ("success", "seen"): 0.73, ("success", "novel"): 0.66, ("interactions", "mixed"): 26.0}
    assert (args.out / "report.html").stat().st_size > 10_000
    told = capsys.readouterr().out
    assert all(part in told for part in REPRODUCTIONS["supersizing"].missing), "what is not in it yet is said"

    monkeypatch.setattr(bench, "measure", lambda args: pytest.fail("measured again"))
    assert run(args) == 0
    assert capsys.readouterr().out.count("is there already") == 4
