"""Labels of one name are read without those of any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers_attempts import make_attempts, make_session

from selfgrasp.codec import encode_attempt
from selfgrasp.core import InputError, Label
from selfgrasp.dataset import Dataset, DatasetWriter, attach_csv
from selfgrasp.dataset.labels import read_csv
from selfgrasp.dataset.schema import SCHEMAS
from selfgrasp.dataset.tables import append_rows, open_table

ROWS, NAMES = 200_000, ("truth.held", "truth.object", "category", "embedding")
NUMBERS = 128


def label_rows(attempts: list[str], rows: int, name: str, rng: np.random.Generator) -> pa.Table:
    """`rows` labels called `name`: lists of numbers if that is "embedding", otherwise scalars."""
    lists = name == "embedding"
    values = np.array(["true", "false", '"cup"'])[rng.integers(0, 3, rows)]
    numbers = rng.normal(size=(rows, NUMBERS)) if lists else None
    columns = {
        "attempt": [attempts[i % len(attempts)] for i in range(rows)],
        "name": [name] * rows,
        "value": [None] * rows if lists else values.tolist(),
        "numbers": [None] * rows
        if numbers is None
        else pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel()), NUMBERS),
        "by": ["me"] * rows,
        "step": list(range(rows)),
        "view": [None] * rows,
    }
    return pa.table(columns).cast(SCHEMAS["labels"])


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """200,000 labels of four names, which alternate on the disk every 2,500 rows."""
    path, rng = tmp_path_factory.mktemp("labels") / "d", np.random.default_rng(0)
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append([encode_attempt(attempt) for attempt, _ in make_attempts(8, size=16)])
        ids = sorted(writer.ids)
    chunk = 2500
    for _ in range(4):
        tables = [
            label_rows(ids, chunk, NAMES[i % len(NAMES)], rng) for i in range(ROWS // chunk // 4)
        ]
        append_rows(open_table(path, "labels"), pa.concat_tables(tables))
    return path


def test_reading_one_name_leaves_the_others_on_the_disk(many):
    with Dataset.open(many) as dataset:
        table = dataset.stored.labels
        assert table.count_rows() == ROWS
        table.io_stats_incremental()
        held = dataset.labels("truth.held")
        read = table.io_stats_incremental().read_bytes
        table.to_table()
        everything = table.io_stats_incremental().read_bytes
    assert len(held) == ROWS // 4
    assert everything > ROWS // 4 * NUMBERS * 8
    # The names of all rows, and the other columns of the rows of this name.
    assert read < 0.05 * everything
    assert read < 60 * len(held)


def test_only_rows_of_the_name_asked_for_become_objects(many, monkeypatch):
    made = []

    def counted(table):
        made.append(len(table))
        return [None] * len(table)

    monkeypatch.setattr("selfgrasp.dataset.reader.label_values", counted)
    with Dataset.open(many) as dataset:
        dataset.labels("category")
        assert dataset.label_names == tuple(sorted(NAMES))
    assert made == [ROWS // 4]


def test_a_small_label_is_quick_beside_long_ones_of_the_same_append(tmp_path):
    made = make_attempts(300, size=16)
    rng = np.random.default_rng(0)
    labels = {
        attempt.id: (
            *labels,
            Label(attempt.id, "embedding", tuple(rng.normal(size=512).tolist()), "me"),
        )
        for attempt, labels in made
    }
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([encode_attempt(attempt, labels[attempt.id]) for attempt, _ in made])
    with Dataset.open(tmp_path) as dataset:
        table = dataset.stored.labels
        table.io_stats_incremental()
        clutter = dataset.label("truth.clutter")
        assert table.io_stats_incremental().read_bytes < 100_000
        embedding = dataset.label("embedding")
    assert clutter == {a.id: own[0].value for a, own in made}
    assert embedding == {name: own[-1].value for name, own in labels.items()}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("NaN", "wanted: a finite number"),
        ("nan", "wanted: a finite number"),
        ("-inf", "wanted: a finite number"),
        ("Infinity", "wanted: a finite number"),
        ("1e999", "wanted: a finite number"),
        ('"[1, NaN]"', "wanted: a finite number"),
        ("9" * 5000, "wanted: a finite number"),
        (f'"[{"9" * 400}]"', "wanted: a finite number"),
        ("[" * 60_000, "wanted: a finite number"),
        ("", "no value in line 2"),
        ("  ", "no value in line 2"),
        ("#N/A", "wanted: a finite number"),
        ("-1.#IND00", "wanted: a finite number"),
        ("[1 2.5]", r"wanted: a list with commas and decimal points, as \[1, 2.5\]"),
        ('"(1, 2)"', "wanted: a list with commas"),
        ("1\n0-0-0,width,2", "width of 0-0-0: 2 in line 3 of .*, 1 in line 2 .*wanted: one value"),
        ('"0,5"', r"wanted: a decimal point, 0\.5"),
        ("0,5", "a decimal comma is written as a point"),
        ("x" * 140_000, "field larger than field limit"),
        ('"open', "line 2 .*: unexpected end of data"),
    ],
)
def test_values_that_are_no_labels_say_how_to_write_them(tmp_path, value, message):
    (tmp_path / "a.csv").write_text(f"attempt,name,value\n0-0-0,width,{value}\n")
    with pytest.raises(InputError, match=message):
        read_csv(tmp_path / "a.csv", by="Ada")


@pytest.mark.parametrize(
    "value", ["nancy", "information", "[odd", "it's 3", "1 2", "1.2.3", "007", "(a)", "()"]
)
def test_texts_stay_texts(tmp_path, value):
    (tmp_path / "a.csv").write_text(f"attempt,name,value\n0-0-0,note,{value}\n")
    assert read_csv(tmp_path / "a.csv", by="Ada")[0].value == value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_says_the_encoding(tmp_path, encoding):
    text = "attempt,name,value\r\n0-0-0,note,é\r\n0-0-1,n,+1\r\n0-0-2,n,.5\r\n0-0-3,n,\u22125.\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert [label.value for label in read_csv(tmp_path / "a.csv", by="Ada")] == ["é", 1, 0.5, -5]


def test_blanks_around_fields_and_lines_that_repeat_are_dropped(tmp_path):
    text = "attempt,name,value,step\n0-0-0, category , cup ,1.0\n0-0-0,category,cup,1\n"
    (tmp_path / "a.csv").write_text(text)
    assert read_csv(tmp_path / "a.csv", by="Ada") == [Label("0-0-0", "category", "cup", "Ada", 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("attempt;name;value\n1;a;0,5\n", "separated by semicolons; wanted: commas"),
        ("attempt\tname\tvalue\n", "separated by tabs"),
        ("Attempt, Name, Value\n", "in lower case, without spaces"),
        ("\u201cattempt\u201d,\u201cname\u201d,\u201cvalue\u201d\n", "straight double ones"),
        ("attempt,name,value,step\n1,a,2," + "9" * 5000, "wanted: the index of a step"),
        ("1,a,2\n", "in the first line"),
        ("attempt,name,value\n1," + "a" * 10_000 + ",2\n", "at most 200 printable characters"),
        ('attempt,name,value\n1,"a\nb",2\n', "at most 200 printable characters"),
    ],
)
def test_other_dialects_are_told_what_to_write(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_csv(tmp_path / "a.csv", by="Ada")


def test_a_label_is_finite_and_its_author_a_text(tmp_path):
    attempt, labels = make_attempts(1)[0]
    with DatasetWriter.create_or_open(tmp_path / "d", make_session()) as writer:
        writer.append([encode_attempt(attempt, labels)])
        for value in (float("nan"), (1.0, float("inf")), np.float64("nan")):
            with pytest.raises(InputError, match="finite numbers"):
                writer.append_labels([Label(attempt.id, "width", value, "Ada")])
    with pytest.raises(InputError, match="who says so, as text in UTF-8"):
        attach_csv(tmp_path / "d", tmp_path / "a.csv", by="\udcff")
