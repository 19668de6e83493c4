"""Damaged datasets: `check` finds what is wrong, and nothing learns from it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import lance
import pyarrow as pa
import pytest
from helpers_attempts import make_attempts, make_session

from benchmarks.damage import damage, write_sample
from selfgrasp.codec import encode_attempt
from selfgrasp.core import InputError, Label
from selfgrasp.dataset import Dataset, DatasetWriter, check, merge
from selfgrasp.dataset.checksums import CHECKSUM
from selfgrasp.dataset.tables import open_table, overwrite


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("damage")
    write_sample(path / "sound", 6)
    without_checksums(shutil.copytree(path / "sound", path / "plain"))
    return path


@pytest.fixture
def sound(written, tmp_path) -> Path:
    return shutil.copytree(written / "sound", tmp_path / "sound")


@pytest.fixture
def plain(written, tmp_path) -> Path:
    """Without checksums."""
    return shutil.copytree(written / "plain", tmp_path / "plain")


def without_checksums(path: Path) -> Path:
    """The dataset as a program wrote it that knew of none."""
    for name in ("attempts", "steps", "labels"):
        overwrite(path, name, open_table(path, name).to_table().drop_columns([CHECKSUM]))
    for file in path.glob("*.lance/checksums.txt"):
        file.unlink()
    return path


def rewrite(path: Path, table: str, row: int, **changed: object) -> None:
    """As another program that writes Lance."""
    stored = open_table(path, table).to_table()
    rows = stored.to_pylist()
    for name, value in changed.items():
        *inner, last = name.split("__")
        holder = rows[row]
        for key in inner:
            holder = holder[int(key) if key.isdecimal() else key]
        holder[int(last) if last.isdecimal() else last] = value
    lance.write_dataset(
        pa.Table.from_pylist(rows, stored.schema),
        str(path / f"{table}.lance"),
        mode="overwrite",
        data_storage_version="2.1",
    )


def test_nothing_damaged_is_called_sound(sound):
    assert check(sound).ok
    assert {kind: names for kind, names in damage(sound, 2, 0).items() if names} == {}


@pytest.mark.parametrize(
    ("table", "changed", "problem"),
    [
        ("attempts", {"force": -5.0}, "force (N) = -5"),
        ("attempts", {"changed": 7.0}, "changed = 7"),
        ("attempts", {"fault": "bored"}, "'bored' is not a valid Fault"),
        ("attempts", {"grasped": None}, "grasped is None"),
        ("attempts", {"scene": None}, "scene is None"),
        ("attempts", {"length": None}, "steps are missing or repeated"),
        ("attempts", {"id": None}, "steps are missing or repeated: None"),
        ("attempts", {"goal": "[" * 100_000}, "levels"),
        ("attempts", {"goal": "[1]"}, "cannot be decoded"),
        ("attempts", {"before": None}, "without a look before"),
        ("attempts", {"before__views__0__depth_step": 1e9}, "depth step (m) = 1e+09"),
        ("attempts", {"before__views__0__depth_step": float("nan")}, "depth step (m) = nan"),
        ("attempts", {"before__views__0__intrinsics__0": float("nan")}, "intrinsics"),
        ("attempts", {"category": "spoon"}, "columns that differ"),
        ("attempts", {"x": 0.5}, "columns that differ"),
        ("steps", {"probability": 7.0}, "probability = 7"),
        ("steps", {"action__kind": "dance"}, "action 'dance'"),
        ("steps", {"action__values__0": 5.0}, "cannot be decoded"),
        ("labels", {"value": "not JSON"}, "malformed JSON"),
        ("labels", {"value": "null"}, "nothing as the value"),
        ("labels", {"value": None}, "nothing as the value"),
        ("labels", {"value": "NaN"}, "nan is not finite"),
        ("labels", {"value": "[[1]]"}, "[[1]] as the value"),
        ("labels", {"step": 9}, "step 9"),
    ],
)
def test_values_that_are_wrong_are_found_without_checksums(plain, table, changed, problem):
    rewrite(plain, table, 0, **changed)
    assert problem in "; ".join(check(plain).problems)


def test_another_value_that_could_be_right_is_found_by_its_checksum(sound):
    rewrite(sound, "attempts", 1, force=11.0)
    rewrite(sound, "labels", 2, value="7.5")
    with Dataset.open(sound) as data:
        name = data.ids()[1]
        with pytest.raises(InputError, match=f"attempt {name}, whose values are damaged"):
            list(data.attempts())
    assert check(sound).problems == (
        f"1 attempts that are not as they were written: {name}",
        "1 labels that are not as they were written: kind2 of 0-0-0",
    )
    with pytest.raises(InputError, match="damaged rows of table labels"):
        merge([sound], sound.with_name("merged"))
    assert not sound.with_name("merged").exists()


def test_a_damaged_file_is_not_joined_with_others(tmp_path):
    made = [encode_attempt(*both) for both in make_attempts(8)]
    path = tmp_path / "d"
    writer = DatasetWriter.create_or_open(path, make_session())
    writer.append(made[:4])
    (file,) = (path / "attempts.lance" / "data").iterdir()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    writer.append(made[4:])
    writer.close()
    (problem,) = check(path).problems
    assert problem == f"1 files of table attempts are not as they were written: {file.name}"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda meta: meta["split"].update(salt="x"), "the split was changed"),
        (lambda meta: meta.update(split_hash="0" * 12), "the split was changed"),
        (lambda meta: meta["cell"]["workspace"].update(surface=0.01), "the cell was changed"),
        (lambda meta: next(iter(meta["sessions"].values())).update(seed=8), "session .* changed"),
        (lambda meta: next(iter(meta["sessions"].values())).update(seed=None), "seed of a session"),
        (lambda meta: meta.update(sessions=None), "wrong or missing field"),
        (lambda meta: meta.update(sessions=[1]), "wrong or missing field"),
        (lambda meta: meta["split"].update(by="nope"), "'nope' is not a valid SplitBy"),
        (lambda meta: meta.pop("cell_fingerprint"), "wrong or missing field: 'cell_fingerprint'"),
        (lambda meta: meta.update(license=None), "license is no text"),
        (lambda meta: meta.update(schema=True), "schema version True"),
    ],
)
def test_a_changed_description_is_refused_by_every_reader_and_writer(sound, change, what):
    meta = json.loads((sound / "dataset.json").read_text())
    session = next(iter(Dataset.open(sound).sessions.values()))
    change(meta)
    (sound / "dataset.json").write_text(json.dumps(meta))
    (problem,) = check(sound).problems
    assert "\n" not in problem
    for use in (
        Dataset.open,
        lambda path: merge([path], path.with_name("merged")),
        lambda path: DatasetWriter.create_or_open(path, session),
    ):
        with pytest.raises(InputError, match=what):
            use(sound)


def test_a_description_nested_too_deeply_is_refused(sound):
    (sound / "dataset.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="levels"):
        check(sound)


def test_rows_without_what_every_row_has_are_one_line(sound):
    rewrite(sound, "labels", 0, name=None)
    rewrite(sound, "attempts", 0, scene=None)
    with Dataset.open(sound) as data:
        with pytest.raises(InputError, match="1 rows of the table labels without name"):
            _ = data.label_names
        with pytest.raises(InputError, match="1 rows of the table attempts without scene"):
            data.column("scene")
    assert not check(sound).ok
    session = next(iter(Dataset.open(sound).sessions.values()))
    rewrite(sound, "steps", 0, attempt=None)
    with pytest.raises(InputError, match="1 rows of the table steps without attempt"):
        DatasetWriter.create_or_open(sound, session)


def test_attempts_that_occur_twice_or_of_strange_sessions_are_not_learned_from(sound, plain):
    twice = shutil.copytree(sound, sound.with_name("twice"))
    attempts = open_table(twice, "attempts")
    lance.write_dataset(attempts.take([2]), attempts, mode="append")
    with pytest.raises(InputError, match="with 7 attempts and 6 ids"):
        Dataset.open(twice)
    rewrite(plain, "attempts", 0, session="strange")
    with Dataset.open(plain) as data, pytest.raises(InputError, match="session of attempts"):
        data.ids("train")


def test_datasets_without_checksums_are_read_added_to_and_merged(plain):
    session = next(iter(Dataset.open(plain).sessions.values()))
    assert check(plain).ok
    with DatasetWriter.create_or_open(plain, session) as writer:
        writer.append_labels([Label("0-0-0", "later", 1, "Ada")])
    assert check(plain).ok
    merged = plain.with_name("merged")
    merge([plain], merged)
    assert check(merged).ok
    assert CHECKSUM in open_table(merged, "labels").schema.names


def test_version_1_is_sound(tmp_path):
    with zipfile.ZipFile(Path(__file__).parent / "data" / "version_1.zip") as file:
        file.extractall(tmp_path)
    assert check(tmp_path / "version_1").ok
