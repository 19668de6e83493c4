"""Semantic grasping: what teaches what, what a goal changes, soft keypoints, boxes, raters who
err."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers_attempts import make_session
from helpers_play import episode, record

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.contracts.methods import CONTRACTS
from selfgrasp.contracts.scenes import box_attempts, box_context, box_spec
from selfgrasp.core import Goal, Grasp, InputError, Label, Move, Observation, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse, top_down
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.learn import Examples, MemorySource, save
from selfgrasp.learn.gathered import data_of
from selfgrasp.methods import registry
from selfgrasp.methods.semantic.config import (
    CATEGORIES,
    NO_OBJECT,
    NONE_OF_THESE,
    SEVERAL,
    SemanticConfig,
    Structure,
    small,
)
from selfgrasp.methods.semantic.examples import LABEL, PICTURE_LABEL, PROPAGATED_LABEL
from selfgrasp.methods.semantic.maps import value_maps
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.methods.semantic.network import SoftKeypoints
from selfgrasp.methods.semantic.propagation import confidence_threshold
from selfgrasp.methods.semantic.scorer import BoxScorer, CategoryScorer, best_box
from selfgrasp.papers.jobs import ReproduceJob
from selfgrasp.papers.not_found import best_threshold, errors, overlooking
from selfgrasp.papers.registry import reproduction_named
from selfgrasp.papers.reproduce import work_of
from selfgrasp.papers.semantic import classifiers, evaluate, labels, report
from selfgrasp.papers.semantic.labels import Raters
from selfgrasp.papers.semantic.probe import measure_probe, vanished
from selfgrasp.papers.semantic.rows import ROWS, SINGLE
from selfgrasp.papers.semantic.sizes import Work
from selfgrasp.rollout.policies import resolve
from selfgrasp.servo import WithContext
from selfgrasp.verbs import pictures
from selfgrasp.workcell.play import Episode

RNG = np.random.default_rng


@pytest.mark.parametrize("preset", ["small", "single", "branches", "attention", "box", "presented"])
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
def test_contract(contract: Callable[[str], None], preset: str) -> None:
    contract(f"semantic:{preset}")


def labelled(config: SemanticConfig) -> tuple[Semantic, Examples]:
    """Attempts 0 to 3 held a pen, 4 and 5 did not and say so too; 6 is a presented spoon; of 7
    nobody says anything."""
    view = box_context().observation.view()
    attempts = [
        replace(a, present=View(view.color, None, view.intrinsics, view.world_from_camera))
        for a in box_attempts(2, grasps=4)
    ]
    attempts = [
        replace(a, outcome=replace(a.outcome, grasped=i not in (4, 5), fault=None))
        for i, a in enumerate(attempts)
    ]
    said = {a.id: "pen" for a in attempts[:6]}
    source = MemorySource(
        attempts,
        box_spec(),
        {LABEL: said, PICTURE_LABEL: {attempts[6].id: "spoon"}},
        shares=(1.0, 0.0, 0.0),
    )
    method = registry.build("semantic", config=config)
    assert isinstance(method, Semantic)
    return method, method.examples(source, "train", RNG(0))


def test_a_category_teaches_where_something_was_held_and_an_outcome_where_it_was_tried() -> None:
    method, examples = labelled(SemanticConfig())
    batch = method.batch(examples, np.arange(8), RNG(0), augment=True)
    pen, spoon = CATEGORIES.index("pen"), CATEGORIES.index("spoon")
    # What teaches by its picture alone comes last: the camera pose network learns from none of it.
    assert batch["category"].tolist() == [pen] * 4 + [-1, -1, -1, spoon]
    assert batch["outcome_weight"].tolist() == [1.0] * 7 + [0.0]
    # Pictures that are added teach what things look like, also where nothing was held, and nothing
    # of motions.
    shown = labelled(SemanticConfig(present_share=1.0))[0].batch(
        examples, np.arange(8), RNG(0), augment=True
    )
    assert shown["category"].tolist() == [*batch["category"].tolist(), *[pen] * 6]
    assert shown["outcome_weight"].tolist() == [*batch["outcome_weight"].tolist(), *[0.0] * 6]


def test_attempts_of_which_nobody_says_what_they_lifted_teach_no_category() -> None:
    method, examples = labelled(SemanticConfig())
    method.check(examples)
    nobody = method.examples(
        MemorySource(box_attempts(2), box_spec(), shares=(1.0, 0.0, 0.0)), "train", RNG(0)
    )
    with pytest.raises(InputError, match=r"without a label.*selfgrasp label.*selfgrasp pictures"):
        method.check(nobody)


def test_the_classifier_learns_presented_pictures_alone_and_knows_the_raters_other_answers() -> (
    None
):
    method, examples = labelled(small(Structure.PRESENTED))
    batch = method.batch(examples, np.arange(8), RNG(0), augment=False)
    # The eighth attempt, of which nobody says anything, is left out; nothing is learned of motions.
    assert (batch["category"] >= 0).tolist() == [True] * 7
    assert "outcome_weight" not in batch
    assert batch["patch"].shape[1] == 3
    # What is held up is the same way up in training; in the bin it may lie anyhow.
    held, lying = (
        labelled(config)[0].batch(examples, np.arange(8), RNG(0), augment=True)["patch"]
        for config in (small(Structure.PRESENTED), small(Structure.BOX))
    )
    plain = batch["patch"].mean(dim=1)
    apart = [float((changed.mean(dim=1) - plain).square().mean()) for changed in (held, lying)]
    assert apart[0] < apart[1]
    assert SEVERAL in method.config.answers
    assert method.category_log_probabilities(torch.zeros(2, 3, 48, 48)).shape == (
        2,
        len(CATEGORIES) + 3,
    )


def test_a_single_stream_counts_failure_as_a_class_and_learns_nothing_from_what_nobody_names() -> (
    None
):
    method, examples = labelled(small(Structure.SINGLE))
    batch = method.batch(examples, np.arange(8), RNG(0), augment=False)
    batch.pop("dorsal")
    without = method.eval().loss(batch).value.detach()
    batch["weight"][6] = 1000.0
    torch.testing.assert_close(method.loss(batch).value.detach(), without)
    batch["weight"][4] = 1000.0
    assert abs(float(method.loss(batch).value.detach() - without)) > 1e-3


def test_a_goal_is_a_category_that_is_known() -> None:
    method, context = registry.build("semantic"), box_context()
    anything, pen, spoon = (
        method.plan(replace(context, goal=goal)) for goal in (Goal(), Goal("pen"), Goal("spoon"))
    )
    assert not np.array_equal(pen.scores, spoon.scores)
    assert not np.array_equal(pen.scores, anything.scores)
    with pytest.raises(InputError, match="soda_can"):
        method.plan(replace(context, goal=Goal("fork")))
    with pytest.raises(InputError, match="an image as the goal"):
        method.plan(replace(context, goal=Goal(image=context.observation.view())))


def test_what_is_not_there_is_not_fetched() -> None:
    method = registry.build("semantic", config=SemanticConfig(not_found_threshold=1.0))
    plan = method.plan(replace(box_context(), goal=Goal("pen")))
    assert plan.action is None
    assert "no pen found" in plan.reason
    always = method.variants()["always"].plan(replace(box_context(), goal=Goal("pen")))
    np.testing.assert_array_equal(
        always.scores,
        registry.build("semantic").plan(replace(box_context(), goal=Goal("pen"))).scores,
    )
    assert always.action is not None


def test_the_dorsal_stream_alone_does_not_care_what_it_is_asked_for() -> None:
    method, context = registry.build("semantic"), box_context()
    pen = replace(context, goal=Goal("pen"))
    anything, dorsal = method.plan(context), method.variants()["dorsal"].plan(pen)
    np.testing.assert_array_equal(dorsal.scores, anything.scores)
    assert not np.array_equal(method.plan(pen).scores, anything.scores)


def test_as_published_the_hand_goes_where_the_category_looks_likeliest_and_takes_what_is_near() -> (
    None
):
    method, context = (
        registry.build("semantic", config=SemanticConfig(not_found_threshold=1.0)).eval(),
        box_context(),
    )
    published = method.variants()["published"]
    assert isinstance(method, Semantic)
    assert isinstance(published, WithContext)
    there, away = np.array([[0.02, 0.01, 0.0]]), np.array([[0.02 + 0.08, 0.02, 0.0]])
    hand = replace(context.observation.hand, world_from_tool=top_down((0.02, 0.01, 0.3), 0.0))
    for observation, over in (
        (context.observation, False),
        (replace(context.observation, hand=hand), True),
    ):
        with torch.inference_mode():
            now = replace(
                context, observation=observation, first=context.observation, goal=Goal("pen")
            )
            ours, theirs = method.scorer(now), published.method.scorer(now)
            assert isinstance(ours, CategoryScorer)
            predicted = ours.probabilities(there)
            pen = predicted.classes[:, method.config.categories.index("pen")]
            assert _chance(ours.logits(there)) == pytest.approx(predicted.grasp * pen, rel=1e-4)
            assert _chance(theirs.logits(there)) == pytest.approx(
                predicted.grasp * np.minimum(pen + 0.5, 1) if over else pen, rel=1e-4
            )
            assert (theirs.logits(away) < ours.logits(away) - 10) == over
    assert method.plan(replace(context, goal=Goal("pen"))).action is None
    assert published.plan(replace(context, goal=Goal("pen"))).action is not None
    assert published.name == "semantic, as published"
    assert "published" not in registry.build("semantic", config=small(Structure.SINGLE)).variants()


def _chance(logits: FloatArray) -> FloatArray:
    chance: FloatArray = 1 / (1 + np.exp(-logits))
    return chance


def test_eye_and_dorsal_stream_of_another_are_taken_over_and_stay(tmp_path: Path) -> None:
    save(tmp_path / "dorsal.safetensors", registry.build("hand_eye", seed=3))
    method, examples = labelled(SemanticConfig())
    method.load_trunk(tmp_path / "dorsal.safetensors")
    other = registry.build("hand_eye", seed=3)
    torch.testing.assert_close(method.judge.state_dict(), other.judge.state_dict())
    again = method.train().examples(
        MemorySource(box_attempts(2), box_spec(), shares=(1.0, 0.0, 0.0)), "train", RNG(0)
    )
    assert "dorsal" in examples.columns
    assert "dorsal" not in again.columns
    method.loss(method.batch(again, np.arange(8), RNG(0), augment=True)).value.backward()
    assert all(p.grad is None for part in (method.eye, method.judge) for p in part.parameters())
    torch.testing.assert_close(method.judge.state_dict(), other.judge.state_dict())
    save(tmp_path / "other.safetensors", registry.build("supersizing"))
    with pytest.raises(InputError, match="eye and the judge"):
        method.load_trunk(tmp_path / "other.safetensors")


def test_soft_keypoints_find_a_bright_spot_and_do_not_care_where_all_of_them_are() -> None:
    keypoints, x = SoftKeypoints(), torch.zeros(1, 3, 21, 21)
    for channel, (row, column) in enumerate([(4, 6), (10, 12), (8, 4)]):
        x[0, channel, row, column] = 50.0
    found = keypoints(x)
    moved = keypoints(x.roll((3, 5), (2, 3)))
    torch.testing.assert_close(found, moved, atol=1e-3, rtol=1e-3)
    rows = found[0, :3]
    assert rows.mean().abs() < 1e-5
    assert rows.argsort().tolist() == [0, 2, 1]


def test_outside_its_box_the_dorsal_stream_finds_nothing_good() -> None:
    class Even:
        def logits(self, poses: np.ndarray) -> np.ndarray:
            return np.zeros(len(poses))

    for quad in (
        np.array([[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1]]),
        np.array([[0, 0], [0, 0.1], [0.1, 0.1], [0.1, 0]]),
    ):
        scores = BoxScorer(Even(), quad).logits(
            np.array([[0.05, 0.05, 0.0], [0.15, 0.05, 1.0], [-0.01, 0.05, 0.0]])
        )  # type: ignore[arg-type]
        assert (scores > -1).tolist() == [True, False, False]


def test_the_crop_that_looks_most_like_what_is_asked_for_becomes_a_quad_around_its_place() -> None:
    context, spec, config = box_context(), box_spec(), SemanticConfig()
    first, workspace = context.observation, spec.workspace
    view = first.view()
    place = np.array([*(0.6 * workspace.low[:2] + 0.4 * workspace.high[:2]), workspace.surface])
    seen = view.intrinsics @ apply(inverse(view.world_from_camera), place[None])[0]
    color = cv2.circle(
        np.zeros_like(view.color), tuple(int(c) for c in seen[:2] / seen[2]), 3, (255, 0, 0), -1
    )
    painted = replace(first, views={"overhead": replace(view, color=color)})

    def red(crops: torch.Tensor) -> torch.Tensor:
        third = crops.shape[-1] // 3
        middle = crops[:, 0, third:-third, third:-third].mean(dim=(1, 2))
        return torch.stack([-middle, middle], dim=1)

    quad = best_box(red, 1, painted, spec, config)
    assert np.linalg.norm(quad.mean(axis=0) - place[:2]) < 0.03
    sides = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    assert sides == pytest.approx(config.ventral.size / 2, rel=0.3)


def test_raters_see_the_first_pictures_and_a_classifier_names_the_others_where_it_is_sure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(spec=box_spec())
    attempts = [
        replace(a, session=session_key(session), present=a.before.view() if i != 1 else None)
        for i, a in enumerate(box_attempts(1))
        if a.before is not None
    ]
    families = ["pen", "pen", "", "fork", "pen,spoon", "spoon", "bowl", "bowl"]
    with DatasetWriter.create_or_open(tmp_path, session) as writer:
        writer.append(
            [
                encode_attempt(a, [Label(a.id, "truth.families", lifted, "simulator")])
                for a, lifted in zip(attempts, families, strict=True)
            ]
        )
    for _ in range(2):
        assert labels.rate(tmp_path, Raters(error=0.0), CATEGORIES, share=0.75, name=LABEL) == 5

    def named(data: Dataset, ids: list[str], run: Path) -> list[tuple[str, float]]:
        return [("bowl", 0.9 if i == attempts[6].id else 0.6) for i in ids]

    monkeypatch.setattr(labels, "named", named)
    runs = [tmp_path / f"presented-{seed}" for seed in (0, 1)]
    for seed, run in enumerate(runs):
        save(run / "best.safetensors", registry.build("semantic:presented", seed=seed))
    one, other = (resolve(str(run)).identity for run in runs)

    def propagated_by(run: Path) -> int:
        return labels.propagate(tmp_path, run, known=LABEL, name=PROPAGATED_LABEL, threshold=0.7)

    assert [propagated_by(runs[0]) for _ in range(2)] == [1, 1]
    with pytest.raises(InputError, match=rf"by classifier {other}.*classifier {one}"):
        propagated_by(runs[1])
    with Dataset.open(tmp_path) as data:
        said, propagated = data.label(LABEL), data.label(PROPAGATED_LABEL)
        assert labels.what_is_held(data, CATEGORIES)[attempts[1].id] == "pen"
    assert [said.get(a.id) for a in attempts] == [
        "pen",
        None,
        NO_OBJECT,
        NONE_OF_THESE,
        SEVERAL,
        "spoon",
        None,
        None,
    ]
    assert propagated == {attempts[6].id: "bowl"}


def test_an_answer_is_believed_from_where_those_that_were_checked_are_surely_right() -> None:
    checked = [(True, 0.9)] * 100 + [(True, 0.7)] * 60 + [(False, 0.62)] * 20 + [(True, 0.62)] * 20
    assert confidence_threshold(checked, 0.95) == (0.65, True)
    assert confidence_threshold(checked, 0.5) == (0.5, True)
    assert confidence_threshold(checked[:10], 0.95) == (0.95, False)


def test_further_seeds_are_compared_as_means_over_trainings_bin_by_bin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = {("separated", "1"): 3, ("separated", "2"): 4}

    def episodes(work: Work, label: str, policy: str, name: str = evaluate.FIRST) -> list[Episode]:
        row, _, seed = Path(policy).name.rpartition("-")
        assert name == (evaluate.FIRST if seed == "0" else evaluate.FURTHER)
        count = right.get((row, seed), 1) + (row == "separated" and label == "novel")
        asked = [
            record(k < count, goal="pen", lifted=("pen",) if k < count else ()) for k in range(5)
        ]
        return [episode(asked, left=5 - count)] * 4

    compared = next(row for row in ROWS if row.name == "separated")
    monkeypatch.setattr(evaluate, "episodes", episodes)
    monkeypatch.setattr(evaluate, "repeated", lambda _: [compared, SINGLE])
    work = work_of(ReproduceJob("semantic", tmp_path), reproduction_named("semantic"))
    assert isinstance(work, Work)
    gains = [row[1:3] for row in report.paired_table(work, "", [compared], work.seeds[1:]).rows]
    assert gains == [
        ("seen", "+0.500 [+0.500, +0.500]"),
        ("novel", "+0.700 [+0.700, +0.700]"),
        ("all", "+0.600 [+0.600, +0.600]"),
    ]
    seeds = {(row[0], row[1]): row[2][:5] for row in report.seeds_table(work).rows}
    assert seeds["separated", "1 and 2"] == "0.700"
    assert [seed for name, seed in seeds if name == "single stream"] == ["0", "1", "2", "1 and 2"]


def test_the_probe_sees_the_colour_and_the_sides_of_what_is_gone() -> None:
    attempt, spec = box_attempts(1, grasps=1)[0], box_spec()
    grasp, before = attempt.steps[0].executed, attempt.before
    assert isinstance(grasp, Grasp)
    assert before is not None
    view = before.view()
    seen = (
        view.intrinsics
        @ apply(inverse(view.world_from_camera), grasp.world_from_tool[None, :3, 3])[0]
    )
    color = cv2.circle(
        np.zeros_like(view.color), tuple(int(c) for c in seen[:2] / seen[2]), 6, (200, 100, 0), -1
    )

    def look(picture: np.ndarray) -> Observation:
        return replace(before, views={"overhead": replace(view, color=picture)})

    assert vanished(replace(attempt, before=look(color), after=look(color)), spec) is None
    features = vanished(
        replace(attempt, before=look(color), after=look(np.zeros_like(color))), spec
    )
    assert features is not None
    assert features[:3] == pytest.approx([200, 100, 0], abs=40)
    # 13 px of the camera's, of 2.5 mm each where the patch is cut.
    side = 13 * seen[2] / view.intrinsics[0, 0] / 0.0025
    assert features[6:] == pytest.approx([side, side], rel=0.25)


def test_a_probe_of_attempts_that_lifted_nothing_has_no_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(spec=box_spec())
    attempts = [replace(a, session=session_key(session)) for a in box_attempts(1)]
    with DatasetWriter.create_or_open(tmp_path, session) as writer:
        writer.append(
            [encode_attempt(a, [Label(a.id, "truth.families", "", "sim")]) for a in attempts]
        )
    assert measure_probe(tmp_path, tmp_path, tmp_path, seed=0) == {"seen": [], "novel": []}

    def figures(_: Work) -> dict[str, list[list[float]]]:
        return {"seen": [], "novel": [[1.0, 1.0, 0.0]]}

    monkeypatch.setattr(classifiers, "probe_figures", figures)
    monkeypatch.setattr(report, "probe_figures", figures)
    work = work_of(ReproduceJob("semantic", tmp_path), reproduction_named("semantic"))
    assert isinstance(work, Work)
    assert classifiers.measure_probe(work) == "seen 0 of 0 right, novel 1 of 1 right"
    (seen, novel) = report.probe_table(work).rows
    assert seen == ("seen", "no data", "no data", 0)
    assert novel[1].startswith("1.000")


def test_a_majority_of_raters_errs_less_than_one() -> None:
    rng, raters = RNG(0), Raters(error=0.1)
    said = [raters.answer("pen", CATEGORIES, rng) for _ in range(3000)]
    assert 0.96 < np.mean([answer == "pen" for answer in said]) < 0.985
    assert None in said
    assert {Raters(error=0.0).answer("pen", CATEGORIES, rng) for _ in range(9)} == {"pen"}


def test_structures_have_the_outputs_they_need() -> None:
    outputs = {
        s: registry.build(
            "semantic", config=SemanticConfig(structure=s)
        ).branches.category.out_features
        for s in Structure
    }
    assert outputs == {
        Structure.SINGLE: 17,
        Structure.BRANCHES: 16,
        Structure.SEPARATED: 16,
        Structure.BOX: 19,
        Structure.PRESENTED: 19,
    }


def test_a_folder_of_pictures_teaches_what_things_look_like_and_nothing_else(
    tmp_path: Path,
) -> None:
    for category in ("pen", "spoon"):
        (tmp_path / "mine" / category).mkdir(parents=True)
        for index in range(8):
            picture = RNG(index).integers(0, 255, (60, 80, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / "mine" / category / f"{index}.png"), picture)
    pictures.run(pictures.Args(tmp_path / "mine", out=tmp_path / "data", picture_px=64))
    method = registry.build("semantic", config=SemanticConfig())
    train = data_of(method, [tmp_path / "data"], workers=1).train
    batch = method.batch(train, np.arange(len(train)), RNG(0), augment=True)
    assert set(batch["category"].tolist()) == {CATEGORIES.index("pen"), CATEGORIES.index("spoon")}
    assert not batch["outcome_weight"].any()
    assert not batch["dorsal_weight"].any()
    # What is kept is the middle of the picture, whole.
    shown, original = (
        train["present_image"][0],
        cv2.imread(str(tmp_path / "mine" / "pen" / "0.png"))[..., ::-1],
    )
    side = shown.shape[0]
    assert abs(float(shown.mean()) - float(original[:, 10:70].mean())) < 3
    assert shown[: side // 2].mean() != pytest.approx(shown[side // 2 :].mean(), abs=0.01)


def test_a_folder_of_pictures_of_what_nobody_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fork").mkdir()
    cv2.imwrite(str(tmp_path / "fork" / "0.png"), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="spoon"):
        pictures.run(pictures.Args(tmp_path, out=tmp_path / "data"))


def test_the_threshold_for_not_found_parts_what_is_there_from_what_is_not() -> None:
    chances = {"there": [[0.9, 0.8], [0.6, 0.2]], "absent": [[0.1, 0.3], [0.5, 0.05]]}
    threshold = best_threshold(chances)
    assert 0.5 < threshold <= 0.6
    overlooked, in_vain = errors(chances, threshold)
    assert (overlooked.value, overlooked.low, overlooked.high, overlooked.n) == (0.25, 0.0, 0.5, 2)
    assert (in_vain.value, in_vain.high) == (0.0, 0.0)
    # A quarter of what is there lies below the lowest but one of four.
    assert errors(chances, overlooking(chances, 0.3))[0].value == 0.25
    assert overlooking({"there": [[]], "absent": [[0.1]]}, 0.3) == 0.0


def test_value_maps_say_for_each_place_what_the_streams_think() -> None:
    method = registry.build("semantic")
    assert isinstance(method, Semantic)
    maps = value_maps(method, box_context())
    assert maps.classes.shape == (len(CATEGORIES), *maps.grasp.values.shape)
    np.testing.assert_allclose(maps.classes.sum(axis=0), 1.0, atol=1e-4)
    assert maps.of("pen").values.shape[0] == 1
    (at, name, chance), *_ = maps.labelled()
    assert box_spec().workspace.contains(at, margin=0.01)
    assert name in CATEGORIES
    assert 0 < chance <= 1


def test_of_attempts_with_test_objects_nothing_but_their_pictures_is_learned(
    tmp_path: Path,
) -> None:
    view = box_context().observation.view()
    attempts = [
        replace(a, present=View(view.color, None, view.intrinsics, view.world_from_camera))
        for a in box_attempts(1, grasps=4)
    ]
    attempts = [
        replace(a, outcome=replace(a.outcome, grasped=i < 2, fault=None))
        for i, a in enumerate(attempts)
    ]
    said = dict(zip([a.id for a in attempts], ["pen", "", "", ""], strict=True))
    source = MemorySource(attempts, box_spec(), {PICTURE_LABEL: said}, shares=(1.0, 0.0, 0.0))
    method = registry.build("semantic")
    batch = method.batch(
        method.examples(source, "train", RNG(0)), np.arange(4), RNG(0), augment=False
    )
    assert batch["category"].tolist() == [CATEGORIES.index("pen"), -1, -1, -1]
    assert not batch["outcome_weight"].any()
    assert not batch["dorsal_weight"].any()


def test_no_classifier_learns_from_what_a_classifier_said() -> None:
    attempts = box_attempts(1, grasps=4)
    source = MemorySource(
        attempts,
        box_spec(),
        {PROPAGATED_LABEL: {a.id: "pen" for a in attempts}},
        shares=(1.0, 0.0, 0.0),
    )
    learned = {
        preset: registry.build(f"semantic:{preset}")
        .examples(source, "train", RNG(0))["category"]
        .tolist()
        for preset in ("small", "box", "presented")
    }
    assert learned == {
        "small": [CATEGORIES.index("pen")] * 4,
        "box": [-1] * 4,
        "presented": [-1] * 4,
    }


def test_what_was_missed_before_is_not_said_to_be_gone() -> None:
    context = replace(box_context(), goal=Goal("pen"))
    chance = registry.build("semantic").plan(context).score
    careful = registry.build("semantic", config=SemanticConfig(not_found_threshold=0.98 * chance))
    best = careful.plan(context).action
    assert isinstance(best, Move)
    here = context.observation.hand.world_from_tool.copy()
    here[:3, 3] += best.translation
    assert careful.plan(replace(context, misses=(here,))).actions
    # Who explores may draw a worse place than the best: that one says whether anything is there.
    explorer = careful.variants()["explore"]
    assert all(explorer.plan(replace(context, seed=seed)).actions for seed in range(6))
