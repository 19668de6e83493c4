"""Damaged datasets: `check` finds what is wrong, and nothing learns from it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import cv2
import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from helpers_attempts import make_attempts, make_session

from benchmarks.damage import damage, write_sample
from selfgrasp.codec import encode_attempt, picture_key
from selfgrasp.core import InputError, Label
from selfgrasp.dataset import Dataset, DatasetWriter, check, export_lerobot, merge
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


def test_a_picture_without_data_is_missing(sound, tmp_path):
    rewrite(sound, "pictures", 0, data=None)
    assert not check(sound).ok
    with pytest.raises(InputError, match="missing"):
        export_lerobot(sound, tmp_path / "out")
    with Dataset.open(sound) as data, pytest.raises(InputError, match="picture"):
        list(data.attempts())


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


def test_rows_that_somebody_deleted_are_missed(sound, plain):
    with Dataset.open(sound) as data:
        name, last = data.ids()[[2, -1]]
    open_table(sound, "attempts").delete(f"id = '{name}'")
    assert check(sound).problems == (
        "1 rows of table attempts were deleted",
        f"1 attempts are missing, of which there are steps: {name}",
    )
    rows = open_table(plain, "attempts").to_table()
    overwrite(plain, "attempts", rows.filter(pc.not_equal(rows["id"], name)))
    assert check(plain).problems == (f"1 attempts are missing, of which there are steps: {name}",)
    # So does a writer leave it that is killed between steps and attempt.
    overwrite(plain, "attempts", rows.filter(pc.not_equal(rows["id"], last)))
    assert check(plain).ok


def test_attempts_without_all_of_their_steps_and_pictures_go_nowhere(sound):
    with Dataset.open(sound) as data:
        names = data.ids()
    lost, twice, blind = (shutil.copytree(sound, sound.with_name(name)) for name in "abc")
    open_table(lost, "steps").delete(f"attempt = '{names[1]}'")
    steps = open_table(twice, "steps")
    lance.write_dataset(steps.take([2]), steps, mode="append")
    pictures = open_table(blind, "pictures")
    key = pictures.take([0], columns=["key"])["key"][0].as_py()
    pictures.delete(f"key = '{key}'")
    for path, message in (
        (lost, rf"attempt {names[1]} with the steps \[\]; wanted: each of its 2 steps once"),
        (twice, rf"attempt {names[1]} with the steps \[0, 0, 1\]"),
        (blind, rf"1 pictures that are missing \({key}\)"),
    ):
        for use in (merge_into_new, export_into_new):
            with pytest.raises(InputError, match=message):
                use(path)
            assert sorted(one.name for one in path.parent.iterdir()) == ["a", "b", "c", "sound"]


def merge_into_new(path: Path) -> None:
    merge([path], path.with_name("merged"))


def export_into_new(path: Path) -> None:
    export_lerobot(path, path.with_name("exported"))


def test_pictures_of_another_size_are_not_exported(plain):
    small = cv2.imencode(".png", np.zeros((3, 3, 3), np.uint8))[1].tobytes()
    pictures = open_table(plain, "pictures")
    rows = [{"key": picture_key(small), "data": small}]
    lance.write_dataset(pa.Table.from_pylist(rows, pictures.schema), pictures, mode="append")
    rewrite(plain, "attempts", 1, before__views__0__color=picture_key(small))
    with pytest.raises(InputError, match="attempt 0-1-0: a picture of 3 x 3 px of overhead"):
        export_into_new(plain)


def test_a_table_that_was_put_back_to_an_older_version_is_refused(tmp_path):
    made = [encode_attempt(*both) for both in make_attempts(8)]
    path = tmp_path / "d"
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append(made[:4])
        # A reader keeps older versions on the disk.
        with Dataset.open(path):
            writer.append(made[4:])
            writer.close()
    for table in ("attempts", "labels"):
        copy = shutil.copytree(path, tmp_path / table)
        newest, *older = sorted((copy / f"{table}.lance" / "_versions").glob("*.manifest"))
        assert older
        newest.unlink()
        (problem,) = check(copy).problems
        assert f"{table}.lance, whose newest version is gone" in problem
        with pytest.raises(InputError, match="rows that were written are missing"):
            Dataset.open(copy)


def test_a_flipped_bit_in_the_list_of_files_is_found_before_lance_reads_it(sound):
    for table in ("attempts", "steps", "labels", "pictures"):
        (file,) = (sound / f"{table}.lance" / "_versions").glob("*.manifest")
        whole = file.read_bytes()
        for at in range(0, len(whole), 97):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            (problem,) = check(sound).problems
            assert f"{file.name}, which is damaged" in problem
        file.write_bytes(whole)
    assert check(sound).ok
