"""Older versions of the format: read as they are, brought up in place, and never half way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import lance
import pytest
from helpers_attempts import make_attempts, make_session

from selfgrasp.codec import encode_attempt
from selfgrasp.core import InputError, Label
from selfgrasp.dataset import (
    SCHEMA_VERSION,
    Dataset,
    DatasetWriter,
    SplitRule,
    attach_csv,
    check,
    merge,
    upgrade,
)
from selfgrasp.dataset.schema import schemas_of
from selfgrasp.dataset.tables import open_table
from selfgrasp.dataset.upgrade import MIGRATIONS

VERSION_1 = Path(__file__).parent / "data" / "version_1.zip"
"""Six attempts and labels of every type, written by the program that wrote version 1."""


@pytest.fixture
def old(tmp_path) -> Path:
    with zipfile.ZipFile(VERSION_1) as file:
        file.extractall(tmp_path)
    return tmp_path / "version_1"


def contents(path: Path) -> tuple[object, ...]:
    with Dataset.open(path) as dataset:
        attempts = [encode_attempt(a).plain["steps"] for a in dataset.attempts()]
        labels = {name: dataset.labels(name) for name in dataset.label_names}
        return attempts, labels, dataset.ids().tolist(), dataset.parts().tolist()


def schema_of(path: Path) -> int:
    return int(json.loads((path / "dataset.json").read_text())["schema"])


def test_version_1_is_read_as_it_is(old):
    before = (old / "dataset.json").read_text()
    with Dataset.open(old) as dataset:
        assert dataset.version == 1
        assert [a.id for a in dataset.attempts()] == dataset.ids().tolist()
        first, second, third = dataset.ids()[:3]
        assert dataset.label("colour") == {first: (0.5, 0.25, 1.0)}
        assert dataset.labels("colour")[1] == Label(second, "colour", (1.0,), "Ada", step=0)
        assert dataset.label("note") == {second: "it's [odd]"}
        assert [label.value for label in dataset.labels("count")] == [2**60, 7]
        assert dataset.label("count") == {third: 7}
    assert check(old).problems == ()
    assert (old / "dataset.json").read_text() == before


def test_nothing_is_added_to_version_1_and_the_command_is_named(old):
    message = rf"schema version 1; wanted: schema version 2 \(`selfgrasp upgrade {old}`"
    with pytest.raises(InputError, match=message):
        DatasetWriter.create_or_open(old, make_session())
    (old.parent / "labels.csv").write_text("attempt,name,value\n7-0-0,category,mug\n")
    with pytest.raises(InputError, match=message):
        attach_csv(old, old.parent / "labels.csv", by="Ada")


def test_an_upgrade_changes_no_attempt_and_no_label(old):
    before = contents(old)
    assert upgrade(old) == 1
    assert schema_of(old) == SCHEMA_VERSION
    assert contents(old) == before
    assert check(old).problems == ()
    assert upgrade(old) == SCHEMA_VERSION
    values = open_table(old, "labels").to_table(filter="name = 'colour'")
    assert values["value"].to_pylist() == [None, None]
    assert values["numbers"].to_pylist() == [[0.5, 0.25, 1.0], [1.0]]
    made = make_attempts(1, session=make_session())
    with DatasetWriter.create_or_open(old, make_session()) as writer:
        assert writer.append([encode_attempt(a, labels) for a, labels in made]) == 0
        writer.append_labels([Label("7-0-0", "colour", (2.0,), "Bob")])
    assert Dataset.open(old).label("colour")["7-0-0"] == (2.0,)


def test_a_dataset_that_never_had_a_label_is_upgraded(old):
    shutil.rmtree(old / "labels.lance")
    schema = schemas_of(1)["labels"]
    lance.write_dataset(schema.empty_table(), str(old / "labels.lance"))
    assert upgrade(old) == 1
    assert Dataset.open(old).label_names == ()
    assert check(old).problems == ()


def test_datasets_of_both_versions_merge(old, tmp_path):
    session = make_session(seed=8)
    with DatasetWriter.create_or_open(tmp_path / "new", session) as writer:
        made = make_attempts(2, session=session)
        writer.append([encode_attempt(a, labels) for a, labels in made])
    assert merge([old, tmp_path / "new"], tmp_path / "both") == 8
    with Dataset.open(old) as first, Dataset.open(tmp_path / "both") as both:
        assert both.version == SCHEMA_VERSION
        assert both.labels("colour") == first.labels("colour")
        assert both.label("note") == first.label("note")


KILLED = """
import os, signal, sys
from selfgrasp.dataset import upgrade as function
import selfgrasp.dataset
module = sys.modules["selfgrasp.dataset.upgrade"]
def kill(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, sys.argv[2], kill)
function(sys.argv[1])
"""


@pytest.mark.parametrize("at", ["overwrite", "wrong_columns", "write_json"])
def test_an_upgrade_killed_at_any_step_leaves_a_sound_dataset_and_is_finished_later(old, at):
    before = contents(old)
    done = subprocess.run([sys.executable, "-c", KILLED, str(old), at], check=False)
    assert done.returncode == -signal.SIGKILL
    assert schema_of(old) == 1
    assert contents(old) == before
    assert check(old).problems == ()
    assert upgrade(old) == 1
    assert schema_of(old) == SCHEMA_VERSION
    assert contents(old) == before


def test_an_open_reader_reads_on_during_an_upgrade(old):
    with Dataset.open(old) as reader:
        upgrade(old)
        assert [a.id for a in reader.attempts()] == reader.ids().tolist()
        assert len(reader.labels("colour")) == 2


def test_an_upgrade_waits_for_no_writer(tmp_path, old):
    upgrade(old)
    meta = json.loads((old / "dataset.json").read_text())
    with DatasetWriter.create_or_open(old, make_session()):
        (old / "dataset.json").write_text(json.dumps({**meta, "schema": 1}))
        with pytest.raises(InputError, match=rf"another process is writing.*{os.getpid()}"):
            upgrade(old)


def version_zero(path: Path) -> Path:
    """A made-up version 0: its attempts called `changed` by another name, and its meta file had no
    split."""
    with zipfile.ZipFile(VERSION_1) as file:
        file.extractall(path.parent)
    (path.parent / "version_1").rename(path)
    lance.dataset(str(path / "attempts.lance")).alter_columns(
        {"path": "changed", "name": "difference"}
    )
    meta = json.loads((path / "dataset.json").read_text())
    del meta["split"], meta["split_hash"]
    (path / "dataset.json").write_text(json.dumps({**meta, "schema": 0}))
    return path


def from_zero(path: Path) -> None:
    attempts = lance.dataset(str(path / "attempts.lance"))
    if "difference" in attempts.schema.names:
        attempts.alter_columns({"path": "difference", "name": "changed"})
    meta = json.loads((path / "dataset.json").read_text())
    split = {"split": SplitRule().to_json(), "split_hash": SplitRule().hash}
    (path / "dataset.json").write_text(json.dumps({**meta, **split}))


def test_upgrade_goes_a_version_at_a_time(tmp_path):
    path = version_zero(tmp_path / "d")
    with pytest.raises(InputError, match=r"schema version 0; wanted: .*upgrade"):
        Dataset.open(path)
    with pytest.raises(
        InputError,
        match=r"schema version 0; wanted: a way from version 0 on; exists: migrations: from 1",
    ):
        upgrade(path)
    assert upgrade(path, migrations={0: from_zero, **MIGRATIONS}) == 0
    assert len(list(Dataset.open(path).attempts())) == 6
    assert len(Dataset.open(path).labels("colour")) == 2


def test_an_upgrade_that_fails_is_taken_back(tmp_path):
    path = version_zero(tmp_path / "d")
    before = (path / "dataset.json").read_text()

    def wrong(copy: Path) -> None:
        lance.dataset(str(copy / "attempts.lance")).drop_columns(["force"])

    with pytest.raises(InputError, match=r"missing force, changed.*the dataset is as it was"):
        upgrade(path, migrations={0: wrong, **MIGRATIONS})
    assert json.loads((path / "dataset.json").read_text()) == json.loads(before)
    assert "force" in open_table(path, "attempts").schema.names


def test_a_newer_version_is_refused_in_one_line(old):
    meta = json.loads((old / "dataset.json").read_text())
    (old / "dataset.json").write_text(json.dumps({**meta, "schema": 7}))
    for refuses in (upgrade, Dataset.open):
        with pytest.raises(InputError) as caught:
            refuses(old)
        assert str(caught.value) == (
            f"given: dataset {old} of schema version 7; wanted: schema version 2 or older "
            "(a newer selfgrasp wrote this one)"
        )
