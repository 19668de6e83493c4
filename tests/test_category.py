"""`category`: what is asked for and what is lifted, counted by hand; bins of many categories and of
one."""

from collections import Counter
from pathlib import Path

import helpers_play
import pytest
from helpers_play import record

from selfgrasp.core import Context, Goal, InputError, Plan
from selfgrasp.evaluation import played
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measure import measure
from selfgrasp.methods.baselines import RandomServoPolicy
from selfgrasp.objects.catalogue import category_objects
from selfgrasp.protocols import category
from selfgrasp.protocols.category import (
    CATEGORY,
    CLASS_PER_ATTEMPT,
    CLASS_PER_OBJECT,
    FIRST_COMMAND,
    OBJECTS_PER_ATTEMPT,
    confusion,
    confusion_table,
    families,
    metrics,
)
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import kuka_bin
from selfgrasp.workcell.play import Episode, Task
from selfgrasp.workcell.sim.scene import Mixture, drawn_objects, scene_rng


def episode(asked: tuple[str, ...], lifted: tuple[tuple[str, ...], ...]) -> Episode:
    return helpers_play.episode(
        [
            record(bool(families), lifted=families, goal=goal)
            for goal, families in zip(asked, lifted, strict=True)
        ],
        left=3,
    )


def test_rates_are_counted_by_hand() -> None:
    bins = [
        episode(("pen", "spoon", "bowl"), (("pen",), (), ("spoon",))),
        episode(("bowl", "toy"), (("toy",), ("bowl", "toy"))),
    ]
    found = metrics(bins)
    assert found[CLASS_PER_ATTEMPT].value == pytest.approx(2 / 5)
    assert found[OBJECTS_PER_ATTEMPT].value == pytest.approx(4 / 5)
    assert found[CLASS_PER_OBJECT].value == pytest.approx(2 / 4)
    assert found[FIRST_COMMAND].value == pytest.approx(1 / 2)
    assert confusion(bins) == Counter(
        {
            ("pen", "pen"): 1,
            ("spoon", ""): 1,
            ("bowl", "spoon"): 1,
            ("bowl", "toy"): 1,
            ("toy", "toy"): 1,
        }
    )
    table = confusion_table("me", bins)
    assert table.columns == ("asked for", "nothing", "bowl", "pen", "spoon", "toy")
    assert list(map(list, table.rows)) == [
        ["bowl", None, None, None, 1, 1],
        ["pen", None, None, 1, None, None],
        ["spoon", 1, *[None] * 4],
        ["toy", *[None] * 4, 1],
    ]


def test_wrong_objects_and_unknown_policies_are_named_before_anything_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(played, "play_all", lambda *_, **__: pytest.fail("played"))
    with pytest.raises(InputError, match=r"--objects mixed.*novel, seen, validation"):
        measure(BenchJob("category", ("random_servo",), objects="mixed"), out=tmp_path)
    with pytest.raises(InputError, match="typo"):
        measure(BenchJob("category", ("random_servo", "typo")), out=tmp_path)


def test_scenes_hold_different_families_or_one() -> None:
    pool = category_objects("categories", 64)
    for seed in range(20):
        apart = [item.family for item in drawn_objects(pool, 5, scene_rng(seed), Mixture.APART)]
        assert len(set(apart)) == len(apart) == 5
        alike = [item.name for item in drawn_objects(pool, 4, scene_rng(seed), Mixture.ALIKE)]
        assert len(set(alike)) == 4
        assert len({name.rpartition("-")[0] for name in alike}) == 1
    assert (
        len(
            {drawn_objects(pool, 4, scene_rng(seed), Mixture.ALIKE)[0].family for seed in range(60)}
        )
        > 10
    )


def test_each_category_of_a_bin_is_asked_for_once() -> None:
    asked: list[Goal] = []

    class Listening(RandomServoPolicy):
        def plan(self, context: Context) -> Plan:
            if context.step == 0:
                asked.append(context.goal)
            return super().plan(context)

    config = KukaBinConfig(count=5, picture_px=48, mixture="apart")
    made = kuka_bin(category_objects("categories", 64), config)
    with made.cell:
        played = category.play(made.cell, Listening(), Task(3))
    assert [goal.category for goal in asked] == [one.goal for one in played.attempts]
    assert played.placed is not None
    assert {goal.category for goal in asked} == {one.family for one in played.placed}
    assert len(played.attempts) == 5
    assert played.true == sum(bool(families(one)) for one in played.attempts)
    assert CATEGORY.config.mixture == "apart"


def test_what_is_lifted_from_a_bin_of_one_category_is_labelled_by_who_filled_it() -> None:
    made = kuka_bin(
        category_objects("categories", 64), KukaBinConfig(count=4, picture_px=48, mixture="alike")
    )
    lifted = 0
    with made.cell as workcell:
        for scene in range(12):
            workcell.reset(scene)
            (family,) = {placed.model.family for placed in made.world.placed}
            played = workcell.attempt(RandomServoPolicy(), Ids("t", scene, 0))
            known = [label for label in played.labels if label.name == "category"]
            truth = {label.name: label.value for label in played.labels}
            lifted += bool(truth["truth.grasped"])
            assert [(label.value, label.by) for label in known] == (
                [(family, "who filled the bin")] if truth["truth.grasped"] else []
            )
    assert lifted
