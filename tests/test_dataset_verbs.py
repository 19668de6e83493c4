"""The verbs over whole datasets: split, check, merge, upgrade, label, card, export."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from unittest.mock import Mock

import lance
import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_attempts import (
    every_action,
    make_attempt,
    make_attempts,
    make_hand,
    make_session,
    make_spec,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from selfgrasp.codec import encode_attempt, hand_to_plain, session_from_plain, session_key
from selfgrasp.common.intervals import wilson
from selfgrasp.common.split import LEFT_OUT, SPLITS, assign
from selfgrasp.core import Fault, Goal, InputError, Label, Push, Session
from selfgrasp.dataset import (
    Dataset,
    DatasetWriter,
    SplitBy,
    SplitRule,
    attach_csv,
    card,
    check,
    export_lerobot,
    merge,
)
from selfgrasp.dataset.export.lerobot_frames import action_vector, state_vector


def write(
    path: Path, made, *, session: Session | None = None, split: SplitRule | None = None
) -> Path:
    with DatasetWriter.create_or_open(path, session or make_session(), split=split) as writer:
        writer.append([encode_attempt(attempt, labels) for attempt, labels in made])
    return path


THINGS = st.sampled_from([None, "cup", "pen", "can", "duck"])


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 30), st.sampled_from("abcdefgh"), THINGS),
        max_size=60,
    )
)
@settings(max_examples=60)
def test_no_split_parts_a_group_or_shares_an_object_or_moves_with_its_neighbours(rows):
    for by in SplitBy:
        split = SplitRule(0.4, 0.3, 0.3, by=by)
        # A state group lies on one scene of one session.
        rows = [
            (seed, scene, f"{seed}-{scene}-{group}", thing) for seed, scene, group, thing in rows
        ]

        def parts(some, split=split):
            seeds, scenes, groups, things = zip(*some, strict=True) if some else ((), (), (), ())
            return assign(split, seeds=seeds, scenes=scenes, groups=groups, objects=things).tolist()

        whole = parts(rows)
        of_group, of_object = {}, {}
        for (_, _, group, thing), part in zip(rows, whole, strict=True):
            of_group.setdefault(group, set()).add(part)
            if thing is not None and part != LEFT_OUT:
                of_object.setdefault(thing, set()).add(part)
        assert all(len(found) == 1 for found in of_group.values())
        if by is SplitBy.OBJECT:
            assert all(len(found) == 1 for found in of_object.values())
        else:
            assert parts(rows[: len(rows) // 2]) == whole[: len(rows) // 2]


def test_shares_are_met_and_wrong_ones_refused():
    split = SplitRule(0.7, 0.2, 0.1)
    objects = [split.part_of(f"object|{i}") for i in range(4000)]
    assert [objects.count(name) / 4000 for name in SPLITS] == pytest.approx(
        [0.7, 0.2, 0.1], abs=0.025
    )
    for block in range(30):
        parts = [split.part_of_scene(7, 10 * block + i) for i in range(10)]
        assert [parts.count(name) for name in SPLITS] == [7, 2, 1]
    odd = [SplitRule(0.75, 0.25, 0.0).part_of_scene(7, i) for i in range(4000)]
    assert [odd.count(name) / 4000 for name in SPLITS] == pytest.approx([0.75, 0.25, 0.0], abs=0.01)
    assert (
        SplitRule.from_json(json.loads(json.dumps(split.to_json()))).hash
        == split.hash
        != SplitRule().hash
    )
    with pytest.raises(InputError, match=r"shares \(0.9, 0.1, 0.1\)"):
        SplitRule(0.9, 0.1, 0.1)


def test_check_of_a_sound_dataset_counts(tmp_path):
    report = check(write(tmp_path / "d", make_attempts(20)))
    assert report.ok
    assert (report.attempts, report.steps, report.pictures, report.unused_pictures) == (
        20,
        20,
        80,
        0,
    )
    assert sum(n for _, n in report.split_counts) == 20
    with pytest.raises(InputError, match="not a folder"):
        check(tmp_path / "nowhere")


def test_check_finds_a_damaged_picture(tmp_path):
    path = write(tmp_path / "d", make_attempts(4))
    table = lance.dataset(str(path / "pictures.lance"))
    picture = table.to_table()["data"][5].as_py()
    (file,) = (path / "pictures.lance" / "data").iterdir()
    content = bytearray(file.read_bytes())
    at = content.find(picture)
    assert at > 0
    content[at + len(picture) // 2] ^= 0xFF
    file.write_bytes(content)
    (problem,) = check(path).problems
    assert problem.startswith("1 files of table pictures are not as they were written: ")
    (path / "pictures.lance" / "checksums.txt").unlink()
    (problem,) = check(path).problems
    assert problem.startswith("1 damaged pictures (1 of them in use): ")


def test_check_finds_missing_rows_doubles_and_numbers_that_are_none(tmp_path):
    path = write(tmp_path / "d", make_attempts(6))
    names = Dataset.open(path).ids()
    pictures = lance.dataset(str(path / "pictures.lance"))
    pictures.delete(f"key = '{pictures.to_table()['key'][0].as_py()}'")
    with pytest.raises(InputError, match=rf"attempt {names[0]}: picture \w+, which is missing"):
        list(Dataset.open(path).attempts())
    lance.dataset(str(path / "steps.lance")).delete(f"attempt = '{names[1]}'")
    attempts = lance.dataset(str(path / "attempts.lance"))
    lance.write_dataset(attempts.take([2]), attempts, mode="append")
    lance.dataset(str(path / "attempts.lance")).update(
        {"width": "CAST('NaN' AS DOUBLE)"}, where=f"id = '{names[4]}'"
    )
    problems = "; ".join(check(path).problems)
    assert f"1 attempt ids occur more than once: {names[2]}" in problems
    assert f"1 attempts whose width is not a finite number: {names[4]}" in problems
    assert f"attempts whose steps are missing or repeated: {names[1]}" in problems
    assert f"1 attempts that refer to missing pictures: {names[0]}" in problems
    with pytest.raises(InputError, match="with 7 attempts and 6 ids"):
        Dataset.open(path)


def test_check_finds_parted_groups_mixed_cells_and_foreign_schemas(tmp_path):
    rng = np.random.default_rng(0)
    made = [(make_attempt(rng, scene=scene, state_group="one"), ()) for scene in range(40)]
    path = write(tmp_path / "d", made)
    assert "1 state groups are parted by the split: one" in check(path).problems
    meta = json.loads((path / "dataset.json").read_text())
    key, session = next(iter(meta["sessions"].items()))
    other = {**session, "spec": make_spec("other").to_json()}
    meta["sessions"] = {key: session, session_key(session_from_plain(other)): other}
    (path / "dataset.json").write_text(json.dumps(meta))
    assert check(path).problems[0].startswith("2 cells are mixed: ")
    lance.dataset(str(path / "attempts.lance")).drop_columns(["force"])
    assert check(path).problems == (
        "table attempts has another schema: missing force; of another type none",
    )
    (path / "dataset.json").write_text(json.dumps({**meta, "schema": 5}))
    assert "schema version 5" in check(path).problems[0]


def test_merge_keeps_sessions_labels_and_each_attempt_once(tmp_path):
    one, two = make_session(seed=1), make_session(seed=2, policy="antipodal")
    a = write(tmp_path / "a", make_attempts(9, session=one), session=one)
    b = write(tmp_path / "b", make_attempts(5, seed=4, session=two), session=two)
    with DatasetWriter.create_or_open(a, one) as writer:
        writer.set_license("CC-BY-4.0")
    with pytest.raises(InputError, match=r"licences '', 'CC-BY-4\.0'"):
        merge([a, b], tmp_path / "out")
    with DatasetWriter.create_or_open(b, two) as writer:
        writer.set_license("CC-BY-4.0")
    assert merge([a, b, a], tmp_path / "out") == 14
    assert check(tmp_path / "out").problems == ()
    assert "| licence | CC-BY-4.0 |" in card(tmp_path / "out")
    out, first = Dataset.open(tmp_path / "out"), Dataset.open(a)
    assert {s.seed for s in out.sessions.values()} == {1, 2}
    assert out.label("truth.clutter") == first.label("truth.clutter") | Dataset.open(b).label(
        "truth.clutter"
    )
    np.testing.assert_array_equal(
        next(out.attempts()).before.view().color, next(first.attempts()).before.view().color
    )
    with pytest.raises(InputError, match="out, which holds a dataset"):
        merge([a], tmp_path / "out")


def test_a_merge_that_fails_leaves_nothing_and_can_be_done_again(tmp_path, monkeypatch):
    session = make_session()
    a = write(tmp_path / "a", make_attempts(4), session=session)
    full = OSError("LanceError(IO): No space left on device (os error 28)")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):  # noqa: PT012
        patch.setattr(DatasetWriter, "append_tables", Mock(side_effect=full))
        merge([a], tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
    assert merge([a], tmp_path / "out") == 4


@pytest.mark.parametrize("name", ["run:1", "file:x", "memory:x", "s3:", "a%20b#c?d", "~"])
def test_a_relative_folder_is_no_address(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    write(path, make_attempts(3))
    assert check(path).ok
    assert len(Dataset.open(tmp_path / name)) == 3
    assert {one.name for one in tmp_path.iterdir()} == {name}


def test_a_folder_that_no_table_can_be_in_is_refused(tmp_path):
    with pytest.raises(InputError, match="without control characters"):
        write(tmp_path / "a\nb", make_attempts(1))


def test_a_lock_that_is_a_link_is_not_followed(tmp_path):
    path, outside = write(tmp_path / "data", make_attempts(2)), tmp_path / "outside"
    outside.write_text("mine")
    (path / ".writer").symlink_to(outside)
    with pytest.raises(OSError, match=r"\.writer"):
        DatasetWriter.create_or_open(path, make_session())
    assert outside.read_text() == "mine"


def test_merge_refuses_another_cell_and_clashing_ids(tmp_path):
    a = write(tmp_path / "a", make_attempts(3))
    other = make_session(spec=make_spec("other"))
    b = write(tmp_path / "b", make_attempts(3, session=other), session=other)
    with pytest.raises(InputError, match=r"cell 'other'.*cell 'test_table'"):
        merge([a, b], tmp_path / "out")
    twin = make_session(policy="antipodal")
    c = write(tmp_path / "c", make_attempts(2, session=twin), session=twin)
    with pytest.raises(
        InputError,
        match=r"2 attempts of .*c whose ids "
        r"another source uses in another session \(7-0-0, 7-0-1\)",
    ):
        merge([a, c], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="no datasets"):
        merge([], tmp_path / "out")


def test_labels_from_a_csv(tmp_path):
    path = write(tmp_path / "d", make_attempts(3))
    table = tmp_path / "labels.csv"
    table.write_text(
        "attempt,name,value,step\n7-0-0,category,mug,\n"
        '7-0-1,category,12,\n7-0-0,looked,true,0\n7-0-2,where,"[0.1, 2]",\n'
    )
    assert attach_csv(path, table, by="Ada") == 4
    dataset = Dataset.open(path)
    assert dataset.label("category") == {"7-0-0": "mug", "7-0-1": 12}
    assert dataset.label("where") == {"7-0-2": (0.1, 2.0)}
    assert dataset.labels("looked") == (Label("7-0-0", "looked", True, "Ada", step=0),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "attempt,name,value\n7-0-0,a,1\nghost,a,1\n",
            r"1 unknown attempts \(ghost\).*no label was written",
        ),
        ("attempt,value\n7-0-0,1\n", r"columns attempt, value .*wanted: attempt, name, value"),
        ("attempt,name,value,colour\n7-0-0,a,1,red\n", "columns attempt, name, value, colour"),
        ("attempt,name,value,value\n7-0-0,a,1,2\n", "columns attempt, name, value, value"),
        ("attempt,name,value,step\n7-0-0,a,1,last\n", "step 'last' in line 2"),
        (
            "attempt,name,value,step\n7-0-0,a,1,0\n7-0-1,a,1,9\n",
            r"1 steps that do not exist \(step 9 of 7-0-1\).*7-0-1 has 1; no label",
        ),
        (
            "attempt,name,value,view\n7-0-0,a,1,side\n",
            r"the view 'side'.*a camera of the cell; no label was written",
        ),
        ("attempt,name,value\n7-0-0,a\n", "line 2 .*another number of fields"),
        (
            "attempt,name,value\n7-0-0,truth.grasped,true\n",
            r"label 'truth.grasped' in line 2.*not begin with truth\.",
        ),
        ("attempt,name,value\n7-0-0,,1\n", "label '' in line 2"),
        ("", "columns none"),
    ],
)
def test_a_wrong_csv_writes_nothing(tmp_path, text, message):
    path = write(tmp_path / "d", make_attempts(2))
    (tmp_path / "labels.csv").write_text(text)
    before = check(path).labels
    with pytest.raises(InputError, match=message):
        attach_csv(path, tmp_path / "labels.csv", by="Ada")
    assert check(path).labels == before


def test_labels_need_an_author_and_a_file(tmp_path):
    with pytest.raises(InputError, match="without an author"):
        attach_csv(tmp_path, tmp_path / "x.csv", by=" ")
    with pytest.raises(InputError, match="No such file"):
        attach_csv(tmp_path, tmp_path / "x.csv", by="Ada")
    (tmp_path / "x.csv").write_bytes(b"\x89PNG\xff\x00")
    with pytest.raises(InputError, match=r"decode.*wanted: text in UTF-8"):
        attach_csv(tmp_path, tmp_path / "x.csv", by="Ada")


def test_the_card_says_what_the_dataset_is(tmp_path):
    made = make_attempts(30)
    path = write(tmp_path / "bin_a", made)
    text = card(path)
    k = sum(a.outcome.grasped for a, _ in made)
    rate = wilson(k, 30)
    for expected in (
        "# bin_a",
        "30 on 8 scenes",
        "test_table",
        "noise: none",
        f"| all | {k} | 30 | {k / 30:.3f} | {rate.low:.3f} to {rate.high:.3f} |",
        "| round 0 |",
        "are no grasps: 0 of 30.",
        "| policy random |",
        "| truth.object |",
        "simulator",
        SplitRule().hash,
        "licence | not stated",
        "numpy",
    ):
        assert expected in text


def test_pushes_are_no_failed_grasps(tmp_path):
    rng = np.random.default_rng(0)
    push = Push(np.zeros(3), 0.0, 0.1)
    pushes = [(make_attempt(rng, scene=9, index=i, actions=(push,)), ()) for i in range(4)]
    made = [*make_attempts(6), *pushes]
    text = card(write(tmp_path / "d", made))
    k = sum(a.outcome.grasped for a, _ in made[:6])
    assert "are no grasps: 4 of 10." in text
    assert f"| all | {k} | 6 |" in text
    assert "grasp 6, push 4" in text


def test_lerobot_layout(tmp_path):
    rng = np.random.default_rng(0)
    made = [
        *make_attempts(6),
        (make_attempt(rng, scene=9, actions=every_action(rng), goal=Goal(category="mug")), ()),
    ]
    bare = make_attempt(rng, scene=10, fault=Fault.BLOCKED)
    made.append((type(bare)(**{**vars(bare), "before": None}), ()))
    out = tmp_path / "lerobot"
    assert export_lerobot(write(tmp_path / "d", made), out) == 7
    info = json.loads((out / "meta/info.json").read_text())
    assert (
        info["codebase_version"],
        info["total_episodes"],
        info["total_frames"],
        info["total_tasks"],
    ) == ("v3.0", 7, 11, 2)
    data = pq.read_table(out / info["data_path"].format(chunk_index=0, file_index=0))
    assert set(data.column_names) == set(info["features"])
    assert data["index"].to_pylist() == list(range(11))
    assert data["frame_index"].to_pylist() == [0] * 6 + [0, 1, 2, 3, 4]
    assert Image.open(io.BytesIO(data["observation.images.overhead"][0].as_py()["bytes"])).size == (
        32,
        32,
    )
    assert sum(data["next.success"].to_pylist()) == sum(a.outcome.grasped for a, _ in made)
    assert sum(data["next.done"].to_pylist()) == 7
    episodes = pq.read_table(out / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert (
        episodes[6]["dataset_from_index"],
        episodes[6]["dataset_to_index"],
        episodes[6]["tasks"],
    ) == (6, 11, ["grasp the mug"])
    tasks = pq.read_table(out / "meta/tasks.parquet")
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["__index_level_0__"]
    assert tasks["__index_level_0__"].to_pylist() == ["grasp anything", "grasp the mug"]
    stats = json.loads((out / "meta/stats.json").read_text())
    assert set(stats) == set(info["features"])
    assert np.shape(stats["observation.images.overhead"]["mean"]) == (3, 1, 1)
    with pytest.raises(InputError, match="not empty"):
        export_lerobot(tmp_path / "d", out)


@given(st.integers(0, 2**32 - 1))
def test_lerobot_quaternions_rotate_as_the_pose_does(seed):
    rng = np.random.default_rng(seed)
    axis = rng.normal(size=3)
    q = np.array([*(axis / np.linalg.norm(axis) * np.sin(a := rng.uniform(0, np.pi))), np.cos(a)])
    x, y, z, w = q
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    pose = np.eye(4)
    pose[:3, :3] = np.eye(3) + 2 * w * skew + 2 * skew @ skew
    hand = make_hand(rng)
    vector = state_vector({**hand_to_plain(hand), "world_from_tool": pose.ravel().tolist()})
    np.testing.assert_allclose(vector[3:7], q * np.sign(w), atol=1e-9)
    assert all(
        len(action_vector(s["action"])) == 10
        for s in encode_attempt(make_attempt(rng, size=8, actions=every_action(rng))).plain["steps"]
    )


def test_lerobot_export_without_anything_to_export(tmp_path):
    bare = make_attempt(np.random.default_rng(0), fault=Fault.BLOCKED)
    path = write(tmp_path / "d", [(type(bare)(**{**vars(bare), "steps": ()}), ())])
    with pytest.raises(InputError, match=r"1 attempts .*a picture of overhead"):
        export_lerobot(path, tmp_path / "out")
    shutil.rmtree(tmp_path / "out", ignore_errors=True)


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_table_with_what_is_no_file_is_refused(kind, tmp_path):
    path = write(tmp_path / "data", make_attempts(2))
    file = next((path / "pictures.lance" / "_versions").glob("*.manifest"))
    if kind == "folder":
        (path / "pictures.lance").rename(tmp_path / "elsewhere")
        (path / "pictures.lance").symlink_to(tmp_path / "elsewhere")
    else:
        file.unlink()
        os.mkfifo(file) if kind == "pipe" else file.symlink_to("/etc/hosts")
    with pytest.raises(InputError, match="a link, a pipe or a device"):
        Dataset.open(path)
    assert "a link, a pipe or a device" in check(path).problems[0]
