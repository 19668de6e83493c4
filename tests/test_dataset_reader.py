"""Reading: what comes out is what went in, in any order, with its labels by name."""

from __future__ import annotations

import json
import shutil
import tracemalloc

import numpy as np
import pytest
from helpers_attempts import every_action, make_attempt, make_attempts, make_session, make_view

from selfgrasp.codec import encode_attempt
from selfgrasp.core import Fault, Goal, InputError, Label, Outcome
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.learn import DatasetSource, DeclaredSource, MemorySource, Source


@pytest.fixture(scope="module")
def forty(tmp_path_factory):
    """Forty attempts in appends of seven."""
    path = tmp_path_factory.mktemp("forty") / "data"
    made = make_attempts(40)
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        for i in range(0, 40, 7):
            writer.append([encode_attempt(attempt, labels) for attempt, labels in made[i : i + 7]])
    return path, made


def plains(attempts):
    return [encode_attempt(attempt).plain for attempt in attempts]


def without_colors(plain):
    """JPEG is lossy, so colour keys change when a decoded picture is encoded again; everything else
    must be equal."""
    text = json.loads(json.dumps(plain))

    def drop(node):
        if isinstance(node, dict):
            return {key: drop(value) for key, value in node.items() if key != "color"}
        return [drop(value) for value in node] if isinstance(node, list) else node

    return drop(text)


def test_attempts_come_back_as_they_went_in(forty):
    path, made = forty
    with Dataset.open(path) as dataset:
        back = list(dataset.attempts())
    assert len(dataset) == len(back) == 40
    assert [without_colors(p) for p in plains(back)] == [
        without_colors(p) for p in plains(a for a, _ in made)
    ]
    error = np.abs(back[3].before.view().color.astype(int) - made[3][0].before.view().color)
    assert error.mean() < 4


def test_every_kind_of_attempt_survives_the_tables(tmp_path):
    rng = np.random.default_rng(1)
    goal = Goal(any_of=(Goal(category="mug"), Goal(image=make_view(rng))))
    rich = make_attempt(rng, actions=every_action(rng), goal=goal, present=True)
    plain = make_attempt(rng, index=1, depth=False, fault=Fault.SLIPPED)
    bare = type(rich)(
        **{
            **vars(plain),
            "id": "bare",
            "before": None,
            "after": None,
            "steps": (),
            "outcome": Outcome(False, 0, 0, 0, Fault.NO_IMAGE),
        }
    )
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([encode_attempt(a) for a in (bare, rich, plain)])
    dataset = Dataset.open(tmp_path)
    back = list(dataset.attempts())
    assert [without_colors(p) for p in plains(back)] == [
        without_colors(p) for p in plains((bare, rich, plain))
    ]
    assert dataset.column("fault").tolist() == ["no_image", "", "slipped"]
    assert dataset.column("kind").tolist() == ["", "close", "grasp"]
    assert np.isnan(dataset.column("x")).tolist() == [True, False, False]
    assert dataset.column("has_present").tolist() == [False, True, False]


def test_order_ids_views_and_threads(forty):
    path, made = forty
    dataset = Dataset.open(path)
    ids = [attempt.id for attempt, _ in made]
    assert dataset.ids().tolist() == ids
    shuffled = [a.id for a in dataset.attempts(order=np.random.default_rng(3), threads=1)]
    assert shuffled != ids
    assert sorted(shuffled) == sorted(ids)
    assert shuffled == [a.id for a in dataset.attempts(order=np.random.default_rng(3), threads=4)]
    asked = [ids[30], ids[2], ids[30]]
    assert [a.id for a in dataset.attempts(asked)] == asked
    assert all(len(a.before.views) == 0 for a in dataset.attempts(asked, views=False))
    assert list(dataset.attempts([])) == []
    with pytest.raises(InputError, match=r"1 unknown attempt ids \(ghost\).*40 attempts"):
        dataset.attempts([ids[0], "ghost"])
    with pytest.raises(InputError, match="0 threads"):
        dataset.attempts(threads=0)


def test_an_iteration_can_be_left_early(forty):
    attempts = Dataset.open(forty[0]).attempts(threads=2)
    assert next(attempts).id == forty[1][0][0].id
    attempts.close()


def test_memory_does_not_grow_with_the_number_of_attempts(tmp_path):
    batch = [encode_attempt(attempt) for attempt, _ in make_attempts(20, size=96)]
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        for copy in range(30):
            writer.append([type(e)({**e.plain, "id": f"{e.id}-{copy}"}, e.pictures) for e in batch])
    dataset = Dataset.open(tmp_path)
    tracemalloc.start()
    seen = sum(1 for _ in dataset.attempts(threads=2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == 600
    # 600 decoded attempts are 77 MB; four chunks in flight are 16.
    assert peak < 40e6


def test_columns_are_arrays_in_the_order_of_ids(forty):
    path, made = forty
    dataset = Dataset.open(path)
    np.testing.assert_array_equal(dataset.column("grasped"), [a.outcome.grasped for a, _ in made])
    np.testing.assert_array_equal(
        dataset.column("x"), [a.steps[-1].action.world_from_tool[0, 3] for a, _ in made]
    )
    np.testing.assert_array_equal(dataset.column("scene"), [a.scene for a, _ in made])
    assert dataset.column("width").dtype == np.float64
    by_part = [dataset.column("score", part) for part in ("train", "validation", "test")]
    assert sum(map(len, by_part)) == 40
    assert len(by_part[0]) == len(dataset.ids("train"))
    with pytest.raises(ValueError, match="read-only"):
        dataset.column("scene")[0] = 1
    with pytest.raises(InputError, match=r"column 'success'.*exists: .*grasped"):
        dataset.column("success")
    with pytest.raises(InputError, match=r"split 'dev'.*exists: test, train, validation"):
        dataset.ids("dev")


def test_splits_part_scenes_never_and_stay_when_data_is_added(tmp_path):
    made = make_attempts(200, size=16)
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([encode_attempt(a) for a, _ in made[:80]])
        first = Dataset.open(tmp_path)
        before = dict(zip(first.ids(), first.parts(), strict=True))
        writer.append([encode_attempt(a) for a, _ in made[80:]])
    dataset = Dataset.open(tmp_path)
    after = dict(zip(dataset.ids(), dataset.parts(), strict=True))
    assert all(after[name] == part for name, part in before.items())
    by_scene: dict[int, set[str]] = {}
    for scene, part in zip(dataset.column("scene"), dataset.parts(), strict=True):
        by_scene.setdefault(int(scene), set()).add(str(part))
    assert all(len(parts) == 1 for parts in by_scene.values())
    assert {a.id for a in dataset.attempts(split="train", views=False)} == set(dataset.ids("train"))


def test_a_dataset_is_a_source_of_training_data(tmp_path):
    made = make_attempts(48, size=16)
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([encode_attempt(a, labels) for a, labels in made])
    dataset = Dataset.open(tmp_path)
    source: Source = DatasetSource(dataset)
    assert [source.len_of(part) for part in ("train", "validation", "test")] == [
        len(dataset.ids(p)) for p in ("train", "validation", "test")
    ]
    assert [a.id for a in source.attempts("train")] == dataset.ids("train").tolist()
    few: Source = DatasetSource(dataset, (3, 20))
    within = set(dataset.ids()[3:20])
    assert {a.id for a in few.attempts("train")} == within & set(dataset.ids("train"))
    assert few.len_of("train") == len(within & set(dataset.ids("train")))
    assert source.label("truth.object") == dataset.label("truth.object")


def test_attempts_in_memory_are_split_by_the_rule_of_datasets(tmp_path):
    session = make_session(seed=0)
    made = [attempt for attempt, _ in make_attempts(200, size=8, session=session)]
    with DatasetWriter.create_or_open(tmp_path, session) as writer:
        writer.append([encode_attempt(attempt) for attempt in made])
    stored = DatasetSource(Dataset.open(tmp_path))
    memory = MemorySource(made, session.spec)
    for part in ("train", "validation", "test"):
        assert [a.id for a in memory.attempts(part)] == [a.id for a in stored.attempts(part)]
        assert (memory.identities(part) == stored.identities(part)).all()


def test_a_fingerprint_covers_the_declared_labels_and_no_others(tmp_path):
    made = make_attempts(48, size=16)

    def declared(*names: str) -> DeclaredSource:
        return DeclaredSource(DatasetSource(Dataset.open(tmp_path)), names, "reader")

    def attach(*labels: Label) -> None:
        with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
            writer.append_labels(list(labels))

    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([encode_attempt(a, labels) for a, labels in made])
    labelled = made[0][0].id
    before = declared("colour", "truth.object").fingerprint
    nothing = declared().fingerprint
    assert before == declared("truth.object", "colour").fingerprint != nothing
    attach(Label(labelled, "note", "blurred", "Ada"))
    assert declared("colour", "truth.object").fingerprint == before
    one, other = (
        declared("colour"),
        [declared("colour").identities(split) for split in ("train", "validation", "test")],
    )
    attach(Label(labelled, "colour", "red", "Ada"))
    assert declared("colour", "truth.object").fingerprint != before
    assert declared().fingerprint == nothing
    # Of all attempts, one has changed: the one that has got the label.
    changed = [
        int((then != declared("colour").identities(split)).sum())
        for split, then in zip(("train", "validation", "test"), other, strict=True)
    ]
    assert sum(changed) == 1
    assert one.fingerprint != declared("colour").fingerprint
    attach(Label(labelled, "colour", "green", "Ada"))
    assert declared("colour").fingerprint not in (one.fingerprint, before)


def test_labels_are_read_by_name(forty):
    path, made = forty
    dataset = Dataset.open(path)
    truth = dataset.label("truth.object")
    assert truth == {
        label.attempt: label.value
        for _, labels in made
        for label in labels
        if label.name == "truth.object"
    }
    assert dataset.label_names == ("truth.clutter", "truth.object")
    with pytest.raises(InputError, match=r"label 'colour'.*exists: truth.clutter, truth.object"):
        dataset.label("colour")


def test_label_values_keep_their_types_and_the_latest_counts(tmp_path):
    made = make_attempts(1)
    name = made[0][0].id
    values = [True, 3, 2**60, 0.1, "a 'quoted' word", (1.0, 2.5)]
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([encode_attempt(made[0][0])])
        writer.append_labels([Label(name, f"v{i}", value, "me") for i, value in enumerate(values)])
        writer.append_labels(
            [
                Label(name, "v0", False, "you"),
                Label(name, "v1", 7, "me", step=0),
                Label(name, "v2", 8, "me", view="overhead"),
            ]
        )
    dataset = Dataset.open(tmp_path)
    assert [dataset.label(f"v{i}")[name] for i in range(6)] == [False, *values[1:]]
    assert [type(dataset.label(f"v{i}")[name]) for i in range(6)] == [
        type(value) for value in values
    ]
    assert dataset.labels("v1")[1] == Label(name, "v1", 7, "me", step=0)


def test_missing_empty_half_and_damaged_datasets_say_what_exists(forty, tmp_path):
    path, _ = forty
    with pytest.raises(InputError, match=r"nowhere, which is not a folder.*exists: data"):
        Dataset.open(path.parent / "nowhere")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(InputError, match=r"without dataset.json.*exists: an empty folder"):
        Dataset.open(tmp_path / "hollow")
    DatasetWriter.create_or_open(tmp_path / "new", make_session()).close()
    with pytest.raises(InputError, match=r"without any attempt.*exists: 1 sessions"):
        Dataset.open(tmp_path / "new")
    (tmp_path / "new" / "dataset.json").unlink()
    with pytest.raises(
        InputError, match=r"half-written dataset.*exists: attempts.lance, labels.lance"
    ):
        Dataset.open(tmp_path / "new")


def test_lost_tables_and_other_versions_say_what_exists(forty, tmp_path):
    path = tmp_path / "copy"
    shutil.copytree(forty[0], path)
    meta = json.loads((path / "dataset.json").read_text())
    (path / "dataset.json").write_text(json.dumps({**meta, "schema": 0}))
    with pytest.raises(
        InputError, match=r"schema version 0; wanted: schema version 2 \(`selfgrasp upgrade"
    ):
        Dataset.open(path)
    (path / "dataset.json").write_text('{"schema": 1')
    with pytest.raises(InputError, match=r"dataset\.json, malformed JSON"):
        Dataset.open(path)
    (path / "dataset.json").write_text(json.dumps(meta))
    shutil.rmtree(path / "steps.lance" / "_versions")
    with pytest.raises(InputError, match="with a damaged table"):
        Dataset.open(path)
    shutil.rmtree(path / "steps.lance")
    with pytest.raises(
        InputError, match=r"without its tables steps.*exists: pictures, labels, attempts"
    ):
        Dataset.open(path)
