"""Table 2 over several trainings: attempts of all of them together, and rows against each other on
the same bins."""

from pathlib import Path

import pytest
from helpers_play import episode, record

from selfgrasp.common.record import write_json
from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec import evaluate, report
from selfgrasp.papers.grasp2vec.rows import ROWS
from selfgrasp.papers.grasp2vec.sizes import Sizes, Work
from selfgrasp.papers.reproduction import Folders
from selfgrasp.protocols.instance import INSTANCE, metrics
from selfgrasp.workcell.play import Episode

SIZES = Sizes(towers=("small",), rows=("goal_truth", "goal", "near"), seeds=2)


def bin_of(*right: bool) -> Episode:
    """One attempt for each of a bin's goals, all of which lift something."""
    lifted = ["cup" if one else "mug" for one in right]
    return episode([record(True, lifted=[one], goal="a cup") for one in lifted], left=len(right))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Two bins, two seeds, three rows: their reports alone."""
    made = Work(Folders(tmp_path), SIZES, "small", 1, 0, "cpu")
    monkeypatch.setattr(Work, "policy", lambda _, row, seed, protocol: f"{row.name}-{seed}")
    monkeypatch.setattr(steps, "resolve", lambda name: type("Ref", (), {"label": name}))
    bins = {
        "goal_truth-0": [bin_of(True, True), bin_of(True, False)],
        "goal_truth-1": [bin_of(True, True), bin_of(False, False)],
        "goal-0": [bin_of(False, False), bin_of(True, False)],
        "goal-1": [bin_of(True, False), bin_of(False, False)],
        "near-0": [bin_of(True, True), bin_of(True, True)],
        "near-1": [bin_of(False, False), bin_of(False, False)],
    }
    for seed in (0, 1):
        played = {
            name: [one.to_json() for one in of_one]
            for name, of_one in bins.items()
            if name.endswith(str(seed))
        }
        folder = evaluate.played(made, "instance", "seen", seed)
        folder.mkdir()
        write_json(folder / "report.json", {"episodes": played})
    return made


def test_all_trainings_count_together_and_each_alone(work: Work) -> None:
    rows = {row[0]: row for row in report.played_table(work, "instance", "seen").rows}
    titles = {row.name: row.title for row in ROWS}
    truth, goal, near = (rows[titles[name]] for name in SIZES.rows)
    assert str(truth[1]).startswith("0.625 [")
    assert str(goal[1]).startswith("0.250 [")
    assert str(near[1]).startswith("0.500 [")
    assert (truth[-2], goal[-2], near[-2]) == ("0.750, 0.500", "0.250, 0.250", "1.000, 0.000")
    assert goal[-1] == 0.780


def test_a_bin_of_two_trainings_is_one_bin() -> None:
    by_seed = {0: [bin_of(True, False)], 1: [bin_of(True, True)]}
    found = metrics(report.together(by_seed))[INSTANCE]
    assert (found.value, found.n) == (0.75, 1)


def test_rows_are_compared_bin_by_bin_over_all_trainings(work: Work) -> None:
    table = report.paired_table(work, "seen")
    (goal, near) = table.rows
    # Bin by bin, means over two trainings: 1 and 0.25 with labels, 0.25 and 0.25 without.
    assert goal[1] == "-0.375 [-0.750, +0.000]"
    assert goal[2] is None
    assert near[1] == "-0.125 [-0.500, +0.250]"
    assert near[2] == "+0.250 [+0.250, +0.250]"
