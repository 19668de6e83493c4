"""Parts of a report: what is made can be written and read again, and what is garbled is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from selfgrasp.common.intervals import Estimate
from selfgrasp.common.parts import (
    Bin,
    Calibration,
    Chart,
    Line,
    Pair,
    Point,
    Table,
)
from selfgrasp.common.record import plain, write_json
from selfgrasp.core import InputError

TABLE = Table(title="T", columns=["who", "value"], rows=[["a", 0.5], ["b", None]])
CHART = Chart(
    title="C",
    note="A note.",
    x="attempts",
    y="accuracy",
    log_x=True,
    series=[
        Line(name="ours", points=[Point.of(10, Estimate(0.5, 0.4, 0.6, 20)), Point(20, 0.7)]),
        Line.published("theirs", [(10, 0.8)]),
    ],
)
PAIR = Pair(
    a="net", b="random", objects="novel", metric="success", difference=0.4, low=0.3, high=0.5, n=9
)
CALIBRATION = Calibration(policy="net", error=0.1, bins=[Bin(0.2, 0.3, 0.1, 0.5, 10)])


@pytest.mark.parametrize("part", [TABLE, CHART, PAIR, CALIBRATION])
def test_a_part_reads_back_as_it_was_written(part, tmp_path):
    assert type(part).from_json(json.loads(json.dumps(part.to_json()))) == part
    write_json(tmp_path / "report.json", {"parts": [part]})
    assert json.loads((tmp_path / "report.json").read_text()) == {"parts": [plain(part)]}


def test_what_a_part_was_made_from_can_change_without_changing_it():
    rows = [["a", 0.5]]
    table = Table(title="T", columns=["who", "value"], rows=rows)
    rows[0][1] = 0.9
    assert table.rows == (("a", 0.5),)


def test_old_files_lack_notes_and_intervals():
    table = {"title": "T", "columns": ["a"], "rows": [[1]]}
    assert Table.from_json(table) == Table(title="T", columns=["a"], rows=[[1]])
    line = {"name": "a", "points": [{"x": 1, "y": 2.0, "low": None, "high": None}]}
    chart = Chart.from_json({"title": "C", "x": "x", "y": "y", "series": [line]})
    assert chart.series == (Line(name="a", points=[Point(1.0, 2.0)]),)
    bins = [{"predicted": 0.5, "observed": 0.4}]
    assert Calibration.from_json({"bins": bins}).bins == (Bin(0.5, 0.4, 0.4, 0.4, 1),)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Table(title="T", columns=["a", "b"], rows=[[1]]), "a row of 1 cells.*2: a, b"),
        (
            lambda: Table(title="T", columns=["a"], rows=[[np.int64(1)]]),
            "of type int64 in the table 'T'.*a plain number",
        ),
        (lambda: Table.from_json({"title": "T", "rows": []}), "without columns.*exists: title"),
        (lambda: Chart.from_json({"title": "C", "series": []}), "without x, y"),
        (
            lambda: Line.from_json({"name": "a", "points": [{"x": 1}]}),
            "an entry of points in report.json without y",
        ),
        (
            lambda: Chart(
                title="C", x="", y="", log_x=True, series=[Line(name="a", points=[Point(0, 1)])]
            ),
            "a point at 0 .*places above 0",
        ),
        (lambda: Pair.from_json({"a": "x"}), "without b, objects, metric, difference, low, high"),
        (lambda: Calibration.from_json({}), "calibration in report.json without bins"),
    ],
)
def test_a_garbled_part_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
