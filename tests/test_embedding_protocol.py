"""`bench embedding`: figures counted by hand, an invented world where colors say everything, and
data that do not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from embedding_world import COLORS, SIZE, SPEC, Told, lift, painted, write

from selfgrasp.cli import main
from selfgrasp.core import Heat2D, InputError, PolicyRef
from selfgrasp.core.places import Places
from selfgrasp.dataset import Dataset
from selfgrasp.evaluation import vectors as evaluation_vectors
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.localization import Asked, by_chance, occlusion_table
from selfgrasp.evaluation.measure import measure
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.vectors import vectors_name, vectors_of
from selfgrasp.methods.embeddings.color_histogram import ColorHistogram
from selfgrasp.methods.embeddings.imagenet import ResNet
from selfgrasp.protocols.embedding import (
    LOCALIZATION,
    METRICS,
    OUTCOME_NEIGHBOR,
    OUTCOME_NEIGHBOR_OTHER_SCENES,
    RETRIEVAL,
    RETRIEVAL_INNER_PRODUCT,
    RETRIEVAL_OTHER_SCENES,
    Answers,
    Lifts,
    Similarity,
    among,
    answers,
    chances,
    chosen,
    goals,
    nearest,
)
from selfgrasp.protocols.embedding_shown import Shown, ShownHeat, ShownRetrieval, ShownScenes
from selfgrasp.rollout.embeddings import load_embedding, resolve_embedding
from selfgrasp.viz.heat_picture import heat_picture

ALL = tuple(COLORS)
WORLD = [
    (0, ALL, Told("red")),
    (0, ALL, Told("green")),
    (1, ("green", "red", "blue"), Told("red")),
    (1, ("green", "red", "blue"), Told("blue")),
    (2, ("blue", "", "green"), Told("green")),
    (2, ("blue", "", "green"), Told("blue")),
]
LIFTS = Lifts.of("abcd", ["mug", "mug", "cup", "mug"], ["s", "s", "s", "t"])


def test_retrieval_by_hand() -> None:
    present = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [3.0, 0.4]])
    # The first is nearest to the last mug, the second to the cup, the third to the first mug.
    differences = np.array([[2.0, 0.1], [0.5, 0.7], [1.0, 0.1], [1.0, 0.0]])
    may = among(LIFTS, LIFTS)
    assert nearest(differences, present, may).tolist() == [3, 2, 3, 0]
    assert nearest(differences, present, may, Similarity.INNER_PRODUCT).tolist() == [3, 3, 3, 0]
    elsewhere = among(LIFTS, LIFTS, other_scenes=True)
    assert nearest(differences, present, elsewhere).tolist() == [3, 3, 3, 0]
    found = answers(LIFTS, LIFTS, differences, present, present)
    assert {metric: answer.right.tolist() for metric, answer in found.items()} == {
        RETRIEVAL: [1, 0, 0, 1],
        # The cup lies in one scene alone.
        RETRIEVAL_OTHER_SCENES: [1, 1, 1],
        RETRIEVAL_INNER_PRODUCT: [1, 1, 0, 1],
        OUTCOME_NEIGHBOR: [1, 0, 0, 1],
        OUTCOME_NEIGHBOR_OTHER_SCENES: [1, 1, 1],
    }
    assert found[RETRIEVAL].estimate.value == 0.5
    assert found[RETRIEVAL].estimate.n == 4
    chance = chances(LIFTS, LIFTS)
    assert chance[RETRIEVAL].right.tolist() == pytest.approx([2 / 3, 2 / 3, 0, 2 / 3])
    assert chance[RETRIEVAL_OTHER_SCENES].right.tolist() == pytest.approx([1, 1, 2 / 3])


def test_zero_vectors_and_empty_galleries_find_nothing_right() -> None:
    none = LIFTS[np.zeros(4, bool)]
    assert nearest(np.ones((4, 2)), np.ones((0, 2)), among(LIFTS, none)).tolist() == [-1] * 4
    found = answers(LIFTS, none, np.ones((4, 2)), np.ones((0, 2)), np.ones((4, 2)))
    assert found[RETRIEVAL].right.tolist() == [0] * 4
    alone = among(LIFTS[:1], LIFTS[:1])
    assert nearest(np.zeros((1, 2)), np.zeros((1, 2)), alone).tolist() == [-1]


def test_goals_come_from_other_scenes_where_there_are_such_and_never_from_the_attempt() -> None:
    for seed in range(20):
        assert goals(LIFTS, LIFTS, seed=seed)[:3].tolist() == [3, 3, -1]
    found = {int(goals(LIFTS, LIFTS, seed=seed)[3]) for seed in range(20)}
    assert found == {0, 1}
    assert goals(LIFTS[:2], LIFTS[:2], seed=0).tolist() == [1, 0]


def test_what_is_drawn_hangs_on_ids_alone() -> None:
    some = chosen(LIFTS, 2, seed=0, purpose=1)
    again = chosen(LIFTS[np.array([3, 1, 0, 2])], 2, seed=0, purpose=1)
    assert some.ids.tolist() == again.ids.tolist()
    assert len({tuple(chosen(LIFTS, 2, seed=s, purpose=1).ids) for s in range(20)}) > 3


def test_differences_are_bootstrapped_by_scene() -> None:
    scenes = np.array(["s"] * 10 + ["t"] * 10)
    better = Answers(np.array([1.0] * 10 + [0.0] * 10), scenes)
    gain = better.better_than(Answers(np.zeros(20), scenes))
    assert (gain.value, gain.low, gain.high, gain.n) == (0.5, 0.0, 1.0, 2)


def test_chance_of_localization_is_of_pixels_of_the_bin_or_of_visible_objects() -> None:
    shown = np.full((4, 4), -1, np.int32)
    shown[0, :2], shown[1, :1], shown[3, 3] = 0, 1, 2
    places = Places(("mug", "cup", "out of the bin"), shown)
    inside = np.ones((4, 4), bool)
    inside[2:] = False
    assert by_chance(places, inside, "mug") == (2 / 8, 1 / 2)
    assert by_chance(places, inside, "out of the bin") == (0.0, 0.0)


def test_what_is_right_is_told_by_how_much_is_seen() -> None:
    lifts = Lifts.of("abcdef", ["mug"] * 6, "stuvwx")
    seen = np.array([30, 0, 10, 40, 20, 50])
    of = Asked(np.arange(6), lifts, np.zeros(6, np.int64), (), seen, {})
    by_size = Answers((seen >= 40).astype(float), lifts.scenes)
    always = Answers(np.ones(6), lifts.scenes)
    rows = occlusion_table("seen", of, {"towers": (always, by_size)}).rows
    assert [row[1:3] for row in rows] == [
        ("10 to 20", 2),
        ("30 to 30", 1),
        ("40 to 40", 1),
        ("50 to 50", 1),
    ]
    assert [str(row[4])[:5] for row in rows] == ["0.000", "0.000", "1.000", "1.000"]
    assert {str(row[3])[:5] for row in rows} == {"1.000"}


def measured(folder: Path, data: Path, *policies: str, **job: object) -> Measured:
    wanted = BenchJob("embedding", policies or ("color_histogram",), data=(data,), part="all")
    return measure(replace(wanted, **job), out=folder)  # type: ignore[arg-type]


def values(found: Measured) -> dict[tuple[str, str], float]:
    return {(row.policy, row.metric): row.value for row in found.rows}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("world"), WORLD)


def test_colors_are_enough_where_every_object_has_its_own(world: Path, tmp_path: Path) -> None:
    shown: list[Shown] = []
    found = measure(
        BenchJob("embedding", ("color_histogram",), data=(world,), part="all"),
        out=tmp_path,
        show=shown.append,
    )
    by_name = values(found)
    for metric in (RETRIEVAL, RETRIEVAL_OTHER_SCENES, OUTCOME_NEIGHBOR, LOCALIZATION):
        assert by_name["color_histogram", metric.name] == 1.0, metric.name
    assert by_name["chance", "retrieval"] == pytest.approx(1 / 5)
    assert by_name["chance (a visible object)", "localization"] == pytest.approx(
        (2 / 4 + 2 / 3 + 2 / 2) / 6
    )
    assert 0 < by_name["chance", "localization"] < 0.1
    assert {row.objects for row in found.rows} == {"seen"}
    kinds = [type(one) for one in shown]
    # One of each object.
    assert (kinds.count(ShownRetrieval), kinds.count(ShownHeat)) == (3, 3)
    scenes = [one for one in shown if isinstance(one, ShownScenes)]
    assert sorted(scenes[0].common) == [2, 3]
    counts = dict(found.tables[0].rows)
    assert counts["lifts of one object"] == 6
    assert counts["scenes searched"] == 6
    assert "part 'all' of the dataset's split; queries " in found.tables[0].note


def test_what_has_no_right_answer_is_left_out_and_counted(tmp_path: Path) -> None:
    others = [(3, ALL, Told("", 0)), (3, ALL, Told("red", 2)), (4, ALL, Told("yellow"))]
    data = write(tmp_path / "data", [*WORLD, *others])
    found = measured(tmp_path, data)
    counts = dict(found.tables[0].rows)
    assert counts["left out: nothing was lifted"] == 1
    assert counts["left out: two or more were lifted at once"] == 1
    assert counts["queries without another picture of their object (counted as wrong)"] == 1
    assert counts["scenes whose object has no other picture"] == 1
    assert values(found)["color_histogram", "retrieval"] == pytest.approx(6 / 7)
    assert values(found)["color_histogram", "localization"] == 1.0


def test_a_file_of_features_is_a_row_without_heat(world: Path, tmp_path: Path) -> None:
    with Dataset.open(world) as data:
        ids = data.ids().tolist()
    rng = np.random.default_rng(0)
    vectors = {kind: rng.normal(size=(6, 4)) for kind in ("before", "after", "present")}
    file = tmp_path / "mine.npz"
    np.savez(file, attempts=np.array(ids[::-1]), **vectors)
    found = measured(tmp_path, world, "color_histogram", str(file))
    label = "features (mine.npz)"
    assert {metric for policy, metric in values(found) if policy == label} == {
        "retrieval",
        "retrieval_other_scenes",
        "retrieval_inner_product",
        "outcome_neighbor",
        "outcome_neighbor_other_scenes",
    }
    (pair,) = found.paired
    assert (pair.a, pair.b, pair.metric, pair.n) == (label, "color_histogram", "retrieval", 3)
    assert pair.difference == pytest.approx(values(found)[label, "retrieval"] - 1)
    np.savez(file, attempts=np.array(ids[1:]), **{k: v[1:] for k, v in vectors.items()})
    with pytest.raises(InputError, match=rf"5 of 6 attempts.*{ids[0]}"):
        measured(tmp_path, world, str(file))
    np.savez(file, attempts=np.array(ids), before=vectors["before"])
    with pytest.raises(InputError, match="without after, present"):
        measured(tmp_path, world, str(file))
    file.write_bytes(b"PK")
    with pytest.raises(InputError, match="without pickled objects"):
        measured(tmp_path, world, str(file))


def test_vectors_of_weights_are_kept_and_not_computed_again(tmp_path: Path) -> None:
    path = write(tmp_path, WORLD)
    policy = PolicyRef("colors", file=tmp_path / "best.safetensors", weights="0" * 12)

    class Counting(ColorHistogram):
        seen = 0

        def objects(self, views, spec):  # type: ignore[no-untyped-def]
            Counting.seen += len(views)
            return super().objects(views, spec)

    with Dataset.open(path) as data:
        ids = data.ids().tolist()
        some = Lifts.of(ids[:4], ["x"] * 4, ["s"] * 4)
        first = vectors_of(data, some, policy, Counting())
    with Dataset.open(path) as data:
        everything = Lifts.of(ids[::-1], ["x"] * 6, ["s"] * 6)
        again = vectors_of(data, everything, policy, Counting())
        table = data.vectors(vectors_name(policy, "present"))
    assert Counting.seen == 6
    np.testing.assert_array_equal(again.present[::-1][:4], first.present)
    np.testing.assert_array_equal(again.before[::-1][:4], first.before)
    assert vectors_name(policy, "present") == "colors-000000000000.present"
    assert (len(table), table.authors) == (6, ("colors@000000000000",))


def test_where_vectors_cannot_be_kept_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, WORLD)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(evaluation_vectors.DatasetWriter, "create_or_open", refused)
    policy = PolicyRef("colors", file=path, weights="0" * 12)
    with Dataset.open(path) as data:
        lifts = Lifts.of(data.ids().tolist(), ["x"] * 6, ["s"] * 6)
        found = vectors_of(data, lifts, policy, ColorHistogram())
    assert "not kept in the dataset" in found.note
    assert "Permission denied" in found.note
    assert len(found.present) == 6


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"present": False}, "without any picture of what was held"),
        ({"truth": False}, "without the label truth.object and truth.held"),
    ],
)
def test_data_that_do_not_fit_are_refused(
    how: dict[str, bool], message: str, tmp_path: Path
) -> None:
    data = write(tmp_path / "data", WORLD, **how)
    with pytest.raises(InputError, match=message):
        measured(tmp_path, data)


def test_wrong_jobs_are_refused_in_one_line(world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no --data"):
        measure(BenchJob("embedding", ("color_histogram",)), out=tmp_path)
    with pytest.raises(InputError, match=r"in the cell kuka_bin.*--cell kuka_bin"):
        measured(tmp_path, world, cell="tabletop")
    with pytest.raises(InputError, match="--objects novel; wanted: --data alone"):
        measured(tmp_path, world, objects="novel")
    with pytest.raises(InputError, match=r"in the part 'validation'.*--part all"):
        measured(tmp_path, world, part="validation")
    with pytest.raises(InputError, match="each dataset once"):
        measure(BenchJob("embedding", ("color_histogram",), data=(world, world)), out=tmp_path)
    for policy in ("heuristic", "hand_eye"):
        with pytest.raises(InputError, match=r"gives no vectors.*color_histogram"):
            measured(tmp_path, world, policy)
    with pytest.raises(InputError, match="policy 'nosuch'"):
        measured(tmp_path, world, "nosuch")


def test_without_places_nothing_is_localized(tmp_path: Path) -> None:
    found = measured(tmp_path, write(tmp_path / "data", WORLD, places=False))
    assert not [row for row in found.rows if row.metric == "localization"]
    assert dict(found.tables[0].rows)["scenes without truth.places"] == 6


def test_a_histogram_of_the_bin_counts_colors_and_its_heat_is_on_the_color() -> None:
    attempt, _ = lift(0, 0, ALL, Told("red"))
    assert attempt.before is not None
    view, places = painted(("red", "blue"), attempt.before.view())
    embedding = ColorHistogram()
    (scene,) = embedding.scenes([view], SPEC)
    assert scene.sum() == pytest.approx(1.0)
    assert np.count_nonzero(scene) == 3
    (empty,) = embedding.scenes([painted((), view)[0]], SPEC)
    assert attempt.present is not None
    (held,) = embedding.objects([attempt.present], SPEC)
    assert np.flatnonzero(held).tolist() == [int(np.argmax((scene - empty) * (held > 0)))]
    assert places.at(embedding.heat(view, held, SPEC).peak_px) == "red"


def test_heats_are_drawn_where_they_lie() -> None:
    attempt, _ = lift(0, 0, ALL, Told("red"))
    assert attempt.before is not None
    view, _ = painted((), attempt.before.view())
    cells = np.zeros((8, 8), np.float32)
    cells[2, 5] = 1.0
    heat = Heat2D(cells, np.array([[8.0, 0.0, 0.0], [0.0, 8.0, 0.0]]))
    drawn = heat_picture(view, heat, scale=2).astype(int)
    assert drawn.shape == (2 * SIZE, 2 * SIZE, 3)
    changed = np.abs(drawn - drawn[-1, -1]).sum(axis=2)
    rows, columns = np.nonzero(changed > 60)
    # The cell's centre is at (44, 20) px of the picture.
    assert (rows.mean(), columns.mean()) == pytest.approx((40, 88), abs=1.5)


def test_the_verb_writes_a_page_with_pictures(world: Path, tmp_path: Path) -> None:
    command = ["bench", "embedding", "--policy", "color_histogram", "--part", "all"]
    assert main([*command, "--data", str(world), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in ("Retrieval: color_histogram, seen", "Nearest scenes", "What was measured: seen"):
        assert words in page
    story = json.loads((tmp_path / "pictures" / "story.json").read_text())
    assert [len(one["files"]) for one in story["galleries"]] == [3, 3, 3]
    rows = json.loads((tmp_path / "report.json").read_text())["rows"]
    assert {row["metric"] for row in rows} == {metric.name for metric in METRICS}


def test_imagenet_weights_are_torchvisions_and_averaged_over_the_bin(tmp_path: Path) -> None:
    network = ResNet()
    # torchvision's resnet50 has 25,557,032; its last block 14,964,736 and its classifier 2,049,000.
    assert sum(weight.numel() for weight in network.parameters()) == 8_543_296
    file = tmp_path / "resnet50.pth"
    weights = {name: value for name, value in network.state_dict().items() if value.ndim}
    torch.save({**weights, "fc.weight": torch.zeros(1000, 2048)}, file)
    policy = resolve_embedding(f"imagenet:{file}")
    assert policy.label == "imagenet (resnet50.pth)"
    features = load_embedding(policy)
    assert features is not None
    attempt, _ = lift(0, 0, ALL, Told("red"))
    assert attempt.before is not None
    assert attempt.present is not None
    view = attempt.before.view()
    (vector,) = features.objects([attempt.present], SPEC)
    assert vector.shape == (1024,)
    heat = features.heat(view, vector, SPEC)
    # 64 px are enlarged seven times: 28 places of 16 px each.
    assert heat.values.shape == (28, 28)
    assert heat.px(np.array(1), np.array(2)) == pytest.approx(np.array([32.5, 16.5]) / 7)
    # The mean over places of the inner products is that with the mean.
    assert np.nanmean(heat.values) == pytest.approx(
        vector @ features.scenes([view], SPEC)[0], rel=1e-4
    )
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, file)
    with pytest.raises(InputError, match=r"lacks 214 of 215 layers, bn1.weight first"):
        load_embedding(resolve_embedding(f"imagenet:{file}"))
    file.write_bytes(b"no weights")
    with pytest.raises(InputError, match="torchvision's resnet50 that can be read"):
        load_embedding(resolve_embedding(f"imagenet:{file}"))
    with pytest.raises(InputError, match="imagenet from the file"):
        resolve_embedding("imagenet:nosuch.pth")
