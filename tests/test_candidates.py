"""Grasps that were never executed: a table of pictures and grasps, read by the batch, and the crops
that a network sees of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest
from helpers_attempts import make_attempts, make_session, make_spec

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.codec.picture import DEPTH_STEP
from selfgrasp.core import Candidates, InputError
from selfgrasp.core.pose import looking_at, top_down
from selfgrasp.dataset import Dataset, DatasetWriter, card, check, merge
from selfgrasp.dataset.candidate_rows import (
    add_candidate_label,
    append_candidates,
    stored_shards,
)
from selfgrasp.dataset.candidates import CandidateTable
from selfgrasp.dataset.meta import require_only_session
from selfgrasp.dataset.tables import open_table
from selfgrasp.learn.source import DatasetSource, DeclaredSource, MemorySource, Source
from selfgrasp.vision.grasp_crops import grasp_crops

OBJECTS = tuple(f"object{i}" for i in range(30))


def make_candidates(
    rng: np.random.Generator, views: int = 2, each: int = 5, *, size: int = 24, object: str = ""
) -> Candidates:
    camera = looking_at((0, 0, 0.7), (0, 0, 0))
    k = np.array([[2.0 * size, 0, size / 2], [0, 2.0 * size, size / 2], [0, 0, 1]])
    depth = rng.uniform(0.5, 0.7, (views, size, size)).astype(np.float32)
    depth[:, 0, 0] = np.nan
    n = views * each
    poses = [top_down(rng.uniform(-0.1, 0.1, 3), rng.uniform(-3, 3)) for _ in range(n)]
    return Candidates(
        depth=depth,
        intrinsics=np.repeat(k[None], views, axis=0),
        world_from_camera=np.repeat(camera[None], views, axis=0),
        objects=(object,) * views,
        view=rng.permutation(np.repeat(np.arange(views), each)),
        world_from_tool=np.array(poses).reshape(n, 4, 4),
        width=rng.uniform(0.02, 0.08, n),
        labels={"robust": rng.random(n), "truth.lift": rng.random(n)},
    )


def make_shards(n: int, **options) -> dict[int, Candidates]:
    return {
        i: make_candidates(np.random.default_rng(i), object=OBJECTS[i % 30], **options)
        for i in range(n)
    }


def stored(path: Path, shards: dict[int, Candidates], order: list[list[int]]) -> CandidateTable:
    """The table after writing `shards` in batches, a writer each."""
    session = make_session()
    for batch in order:
        with DatasetWriter.create_or_open(path, session) as writer:
            writer.append_candidates(session_key(session), {i: shards[i] for i in batch})
    return Dataset.open(path).candidates()


def assert_equal(a: Candidates, b: Candidates) -> None:
    assert a.objects == b.objects
    for name in ("intrinsics", "world_from_camera", "view", "world_from_tool", "width"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), atol=1e-6)
    np.testing.assert_allclose(a.depth, b.depth, atol=DEPTH_STEP)
    assert a.labels.keys() == b.labels.keys()
    for name, values in a.labels.items():
        np.testing.assert_array_equal(values, b.labels[name])


def test_candidates_come_back_in_the_order_of_shards_and_pictures(tmp_path):
    shards = make_shards(3)
    table = stored(tmp_path, shards, [[0, 1, 2]])
    assert (len(table), table.pictures, table.size) == (30, 6, (24, 24))
    assert table.label_names == ("robust", "truth.lift")
    labels = {name: table.label(name) for name in table.label_names}
    for i, shard in shards.items():
        expected = shard.take(np.argsort(shard.view, kind="stable"))
        assert_equal(table.read(np.arange(10) + 10 * i, labels), expected)
    mixed = table.read(np.array([25, 3, 25, 11]), labels)
    assert len(mixed.depth) == 3
    assert mixed.objects == ("object0", "object1", "object2")
    by_view = [shards[i].take(np.argsort(shards[i].view, kind="stable")) for i in range(3)]
    np.testing.assert_array_equal(
        mixed.labels["robust"],
        [by_view[i].labels["robust"][j] for i, j in ((2, 5), (0, 3), (2, 5), (1, 1))],
    )
    np.testing.assert_allclose(
        mixed.grasp(1).world_from_tool, by_view[0].world_from_tool[3], atol=1e-6
    )
    assert check(tmp_path).problems == ()
    assert check(tmp_path).candidates == 30


def test_any_order_and_any_batches_of_writing_give_the_same_table(tmp_path):
    shards = make_shards(7)
    orders = [
        [[0, 1, 2, 3, 4, 5, 6]],
        [[6, 2], [0], [5, 1, 3, 4]],
        [[i] for i in (3, 1, 6, 0, 2, 5, 4)],
    ]
    tables = [stored(tmp_path / str(i), shards, order) for i, order in enumerate(orders)]
    rows = np.random.default_rng(0).permutation(70)
    first = tables[0].read(rows, {"robust": tables[0].label("robust")})
    for table in tables[1:]:
        assert_equal(table.read(rows, {"robust": table.label("robust")}), first)
        assert table.shards.tolist() == tables[0].shards.tolist()


def test_shards_are_stored_once_and_empty_ones_are_remembered(tmp_path):
    shards = make_shards(2)
    empty = shards[0].take(np.zeros(0, np.int64))
    assert empty.depth.shape == (0, 24, 24)
    session = make_session()
    key = session_key(session)
    with DatasetWriter.create_or_open(tmp_path, session) as writer:
        assert writer.append_candidates(key, {0: shards[0], 5: empty}) == 2
        assert writer.append_candidates(key, {0: shards[0], 1: shards[1]}) == 1
    with DatasetWriter.create_or_open(tmp_path, session) as writer:
        assert writer.candidate_shards(key) == {0, 1, 5}
        assert writer.append_candidates(key, shards) == 0
    assert len(Dataset.open(tmp_path).candidates()) == 20
    assert check(tmp_path).problems == ()


def test_other_pictures_other_labels_and_unknown_sessions_are_refused(tmp_path):
    session = make_session()
    key, shards = session_key(session), make_shards(2)
    with DatasetWriter.create_or_open(tmp_path, session) as writer:
        with pytest.raises(InputError, match="session 'x'"):
            writer.append_candidates("x", shards)
        writer.append_candidates(key, {0: shards[0]})
        with pytest.raises(InputError, match=r"12 x 12 px with labels .*wanted: 24 x 24 px"):
            writer.append_candidates(key, {1: make_candidates(np.random.default_rng(0), size=12)})
        with pytest.raises(InputError, match=r"labels robust; wanted: .*robust, truth.lift"):
            writer.append_candidates(key, {1: shards[1].with_labels(["robust"])})
    assert len(Dataset.open(tmp_path).candidates()) == 10


def test_a_label_is_added_without_rewriting_pictures(tmp_path):
    table = stored(tmp_path, make_shards(3), [[2], [0, 1]])
    before = {f: f.stat().st_mtime_ns for f in (tmp_path / "candidates.lance/data").iterdir()}
    values = np.arange(30, dtype=np.float32)
    values[4] = np.nan
    with pytest.raises(InputError, match=r"label 'robust' of candidates, which exists"):
        add_candidate_label(tmp_path, "robust", values)
    with pytest.raises(InputError, match=r"label resist of shape \(3,\)"):
        add_candidate_label(tmp_path, "resist", values[:3])
    add_candidate_label(tmp_path, "resist", values)
    after = {f: f.stat().st_mtime_ns for f in (tmp_path / "candidates.lance/data").iterdir()}
    assert before.items() <= after.items()
    again = Dataset.open(tmp_path).candidates()
    np.testing.assert_array_equal(again.label("resist"), values)
    np.testing.assert_array_equal(again.label("robust"), table.label("robust"))
    with pytest.raises(InputError, match=r"label of candidates 'x'.*exists: resist, robust"):
        again.label("x")


def test_a_source_gives_declared_labels_of_parts_that_share_no_object(tmp_path):
    table = stored(tmp_path, make_shards(30), [list(range(30))])
    source: Source = DatasetSource(Dataset.open(tmp_path))
    assert source.len_of("train") == 0
    parts = {part: source.candidates(part, ["robust"]) for part in ("train", "validation", "test")}
    objects = [
        {*candidates.read(np.arange(len(candidates))).objects} for candidates in parts.values()
    ]
    assert sum(map(len, objects)) == 30 == len(set.union(*objects))
    assert sum(map(len, parts.values())) == len(table)
    train = parts["train"]
    batch = train.read(np.array([7, 2]))
    np.testing.assert_array_equal(batch.labels["robust"], train.labels["robust"][[7, 2]])
    declared = DeclaredSource(source, ("robust",), "dexnet")
    assert declared.candidates("train", ["robust"]).labels.keys() == {"robust"}
    with pytest.raises(InputError, match=r"label 'truth.lift' read by dexnet.*declared: robust"):
        declared.candidates("train", ["truth.lift"])
    shard = make_shards(1)[0]
    memory = MemorySource([], make_spec(), candidates_of={"train": shard})
    assert_equal(
        memory.candidates("train", ["robust"]).read(np.array([3])),
        shard.with_labels(["robust"]).take(np.array([3])),
    )
    with pytest.raises(InputError, match=r"candidates of split 'test'.*exists: train"):
        memory.candidates("test")


def test_a_dataset_without_candidates_says_so(tmp_path):
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([encode_attempt(a) for a, _ in make_attempts(2, size=16)])
    with pytest.raises(InputError, match="without candidates; wanted: a dataset with some"):
        DatasetSource(Dataset.open(tmp_path)).candidates("train")


@pytest.mark.parametrize(
    ("column", "value"),
    [("count", -5), ("count", None), ("count", 4), ("width", [0.05]), ("intrinsics", None)],
)
def test_a_damaged_row_is_refused_and_found(tmp_path, column, value):
    stored(tmp_path, make_shards(1), [[0]])
    table = open_table(tmp_path, "candidates")
    rows = table.to_table().to_pylist()
    rows[1][column] = value
    changed = pa.Table.from_pylist(rows, schema=table.schema)
    lance.write_dataset(changed, table.uri, mode="overwrite")
    damaged = r"damaged row in column (count|width|intrinsics|world_from_tool)"
    with pytest.raises(InputError, match=damaged):
        Dataset.open(tmp_path).candidates().read(np.arange(6, 9))
    assert check(tmp_path).problems


def test_merge_and_card_know_candidates(tmp_path):
    shards, other = make_shards(3), make_session(seed=8)
    stored(tmp_path / "a", shards, [[0, 1]])
    stored(tmp_path / "b", shards, [[1, 2]])
    with DatasetWriter.create_or_open(tmp_path / "b", other) as writer:
        writer.append_candidates(session_key(other), {0: shards[0]})
        writer.append([encode_attempt(a) for a, _ in make_attempts(2, size=16, session=other)])
    assert merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out") == 2
    assert check(tmp_path / "out").problems == ()
    out = Dataset.open(tmp_path / "out").candidates()
    assert len(out) == 40
    assert sorted(set(out.shards)) == sorted(
        [f"{session_key(make_session())}-{i}" for i in range(3)] + [f"{session_key(other)}-0"]
    )
    for name in ("a", "b", "out"):
        assert "| robust |" in card(tmp_path / name)
    stored(tmp_path / "c", {0: make_candidates(np.random.default_rng(0), size=12)}, [[0]])
    with pytest.raises(InputError, match=r"\(24, 24\) px .*c: candidates in \(12, 12\) px"):
        merge([tmp_path / "a", tmp_path / "c"], tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": np.full((2, 24, 24), 700, np.float32)}, "depth from 700 to 700"),
        ({"view": np.full(10, 2)}, "views from 2 to 2; wanted: indices of the 2 pictures"),
        ({"objects": ("a",)}, "2 pictures and 1 objects"),
        ({"width": np.ones(3)}, r"width \(m\) of shape \(3,\)"),
        ({"world_from_tool": np.ones((10, 4, 4))}, "10 world_from_tool that are not rigid"),
        ({"labels": {"x": np.ones(3)}}, "label x of shape"),
    ],
)
def test_wrong_candidates_are_refused(change, message):
    fields = {**vars(make_candidates(np.random.default_rng(0))), **change}
    with pytest.raises(InputError, match=message):
        Candidates(**fields)


def plane_with_marker(pixels: int, focal: float, camera_yaw: float) -> Candidates:
    """A plane 0.6 m below the camera, 50 mm higher where world x > 0 beside the grasp, which closes
    along world (cos 0.4, sin 0.4)."""
    camera = looking_at((0, 0, 0.6), (0, 0, 0)) @ np.array(
        [
            [np.cos(camera_yaw), -np.sin(camera_yaw), 0, 0],
            [np.sin(camera_yaw), np.cos(camera_yaw), 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 1],
        ]
    )
    k = np.array([[focal, 0, pixels / 2], [0, focal, pixels / 2], [0, 0, 1]])
    tool = top_down((0.03, -0.02, 0.0), 0.4)
    rows, columns = np.mgrid[:pixels, :pixels] + 0.5
    rays = np.stack([(columns - k[0, 2]) / focal, (rows - k[1, 2]) / focal, np.ones_like(rows)], -1)
    world = (rays * 0.6) @ camera[:3, :3].T + camera[:3, 3]
    in_tool = (world - tool[:3, 3]) @ tool[:3, :3]
    depth = np.where(in_tool[..., 0] > 0.01, 0.55, 0.6).astype(np.float32)
    return Candidates(
        depth[None],
        k[None],
        camera[None],
        ("",),
        np.zeros(1, np.int64),
        tool[None],
        np.array([0.05]),
    )


@pytest.mark.parametrize("camera_yaw", [0.0, 1.1, 2.9])
@pytest.mark.parametrize(("pixels", "focal"), [(96, 100.0), (240, 400.0)])
def test_a_crop_is_aligned_with_the_jaws_whatever_the_camera(pixels, focal, camera_yaw):
    crops = grasp_crops(plane_with_marker(pixels, focal, camera_yaw), size=0.12, pixels=24)
    np.testing.assert_allclose(crops.gripper_depth, [0.6], atol=1e-6)
    # A pixel is 5 mm: the step, 10 mm along the closing direction, is between columns 13 and 14.
    crop = crops.depth[0, 2:-2]
    np.testing.assert_allclose(crop[:, 3:12], 0.6, atol=2e-3)
    np.testing.assert_allclose(crop[:, 17:-3], 0.55, atol=2e-3)
    assert np.abs(crop - crop[:1]).max() < 0.03


def test_crops_turn_with_the_tool_and_keep_their_scale_at_any_height():
    candidates = plane_with_marker(240, 400.0, 0.3)
    half_turn = candidates.world_from_tool @ np.diag([-1.0, -1.0, 1.0, 1.0])
    turned = Candidates(**{**vars(candidates), "world_from_tool": half_turn})
    one, other = (grasp_crops(c, size=0.1, pixels=20).depth[0] for c in (candidates, turned))
    np.testing.assert_allclose(other, one[::-1, ::-1], atol=2e-3)
    higher = candidates.world_from_tool.copy()
    higher[:, 2, 3] += 0.3
    crops = grasp_crops(
        Candidates(**{**vars(candidates), "world_from_tool": higher}), size=0.1, pixels=20
    )
    np.testing.assert_allclose(crops.gripper_depth, [0.3], atol=1e-6)
    behind = candidates.world_from_tool.copy()
    behind[:, 2, 3] = 1.0
    with pytest.raises(InputError, match="1 grasps behind the camera"):
        grasp_crops(
            Candidates(**{**vars(candidates), "world_from_tool": behind}), size=0.1, pixels=20
        )


def test_a_maker_with_other_options_is_refused(tmp_path):
    session = make_session()
    stored(tmp_path, make_shards(1), [[0]])
    require_only_session(tmp_path, session)
    other = replace(session, options={**session.options, "friction": 0.65})
    with pytest.raises(InputError, match=r"'friction': 0.65.*delete .* or choose another"):
        require_only_session(tmp_path, other)


WRITE_UNTIL_KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from helpers_attempts import make_session
from test_candidates import make_shards
from selfgrasp.codec import session_key
from selfgrasp.dataset import DatasetWriter
shards, session = make_shards(40), make_session()
key = session_key(session)
with DatasetWriter.create_or_open(sys.argv[1], session) as writer:
    print("open", flush=True)
    for i in sorted(shards, key=lambda i: i * 7 % 40):
        writer.append_candidates(key, {i: shards[i]})
        print(i, flush=True)
print("done", flush=True)
"""


def test_a_killed_maker_loses_no_shard_and_goes_on_to_the_same_table(tmp_path):
    path, rng = tmp_path / "d", np.random.default_rng(0)
    acknowledged: set[int] = set()
    for _ in range(3):
        command = [sys.executable, "-c", WRITE_UNTIL_KILLED, str(path), str(Path(__file__).parent)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        time.sleep(rng.uniform(0.05, 0.3))
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().split("\n")[:-1]
        acknowledged |= {int(line) for line in lines if line != "done"}
        process.wait()
        assert acknowledged <= stored_shards(path, session_key(make_session()))
    assert acknowledged
    shards = make_shards(40)
    table = stored(path, shards, [list(range(40))])
    whole = stored(tmp_path / "whole", shards, [list(range(40))])
    assert check(path).problems == ()
    rows = np.arange(400)
    known = [{"robust": t.label("robust")} for t in (table, whole)]
    assert_equal(table.read(rows, known[0]), whole.read(rows, known[1]))


MEMORY = """
import json, sys, time
import numpy as np
from selfgrasp.dataset.candidates import CandidateTable
from selfgrasp.dataset.tables import open_table
from pathlib import Path

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

import selfgrasp.dataset
table = CandidateTable(open_table(Path(sys.argv[1]), "candidates"))
before = resident()
labels = {"robust": table.label("robust")}
rng = np.random.default_rng(0)
table.read(rng.integers(0, len(table), 128), labels)
loaded, start = resident(), time.perf_counter()
for _ in range(60):
    batch = table.read(rng.integers(0, len(table), 128), labels)
    assert len(batch) == 128
print(json.dumps({
    "seconds": (time.perf_counter() - start) / 60, "loading": loaded - before,
    "reading": resident() - loaded, "rows": len(table)}))
"""


def test_random_batches_of_many_are_read_without_loading_the_table(tmp_path):
    """200,000 candidates in 2,000 pictures of 128 px: 66 MB of pictures."""
    rng = np.random.default_rng(0)
    for start in range(0, 2000, 500):
        shard = make_candidates(rng, views=500, each=100, size=128, object="x")
        append_candidates(tmp_path, "s", {start: shard})
    table = open_table(tmp_path, "candidates")
    table.io_stats_incremental()
    opened = CandidateTable(table)
    assert len(opened) == 200_000
    # Not even the poses are read before they are asked for.
    assert table.io_stats_incremental().read_bytes < 1e6
    opened.read(np.arange(128))
    assert table.io_stats_incremental().read_bytes < 15e6
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    # 56 bytes a candidate in memory, once in the table's order and once in the writing's: 22 MB.
    assert found["loading"] < 120
    # 60 batches touch nearly all pictures: 2 GB of depth went by.
    assert found["reading"] < 60
    assert found["seconds"] < 0.5
