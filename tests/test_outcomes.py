"""Tried grasps, by class of their analytic label: drawn and done alike whoever does it, kept, and
compared with scores."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from selfgrasp.common.intervals import wilson
from selfgrasp.core import InputError
from selfgrasp.papers.dexnet import outcomes as measuring
from selfgrasp.papers.dexnet import parts, tries
from selfgrasp.papers.dexnet.outcome_tables import (
    CLASSES,
    COLLIDES,
    ZERO,
    Tried,
    area_tables,
    decile_edges,
    kinds_of,
    outcome_tables,
    rates,
)
from selfgrasp.papers.dexnet.outcomes import OutcomesJob, outcomes
from selfgrasp.papers.dexnet.tries import FACTS, PLACE, Draw, Outcome, Scene, draw, try_grasps
from selfgrasp.protocols.prediction import Predictions, auc, auc_by_group
from selfgrasp.rollout.policies import resolve
from selfgrasp.rollout.workers import Worker, WorkerConfig, make_worker
from selfgrasp.workcell.cells.tabletop import TabletopConfig

CONFIG = WorkerConfig("tabletop", TabletopConfig(count=1), "validation", resolve("random"))
SEED = 6_000_000


@cache
def worker(config: WorkerConfig = CONFIG) -> Worker:
    return make_worker(config)


def played_here(play, tasks, config, *, workers) -> Iterator:
    """`play_all` in this process."""
    return (play(worker(config).cell, worker(config).policy, task) for task in tasks)


def predictions(rng: np.random.Generator, count: int = 300, groups: int = 12) -> Predictions:
    group = rng.integers(groups, size=count)
    held = rng.random(count) < 0.2 + 0.6 * group / groups
    scores = np.round(rng.normal(size=count) + 0.7 * held, 1)
    return Predictions(scores, held, np.array([f"object-{i}" for i in group]))


def test_the_area_is_that_of_all_pairs_with_ties_counted_half():
    given = predictions(np.random.default_rng(0))
    found = auc_by_group(given)
    assert found.value == pytest.approx(roc_auc_score(given.held, given.scores))
    assert found.value == pytest.approx(auc(given).value)
    assert found.n == 12


def test_the_area_s_interval_is_that_of_drawing_whole_groups_again():
    given, rng = predictions(np.random.default_rng(1)), np.random.default_rng(2)
    members = [np.flatnonzero(given.groups == name) for name in np.unique(given.groups)]
    again = []
    for _ in range(1500):
        rows = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        again.append(
            auc(Predictions(given.scores[rows], given.held[rows], given.groups[rows])).value
        )
    found = auc_by_group(given)
    assert (found.low, found.high) == pytest.approx(np.percentile(again, [2.5, 97.5]), abs=0.01)


def test_a_single_group_has_no_spread_and_one_outcome_no_area():
    given = predictions(np.random.default_rng(3))
    alone = auc_by_group(Predictions(given.scores, given.held, np.full(300, "one")))
    assert alone.low == alone.value == alone.high
    same = auc_by_group(Predictions(given.scores, np.ones(300, dtype=bool), given.groups))
    assert same.n == 0
    assert np.isnan(same.value)


def test_classes_are_what_collides_what_is_zero_and_deciles_of_the_rest():
    epsilon = np.array([0.0, 0.0, *np.arange(1, 101) / 1000])
    free = np.array([0.0, *np.ones(101)])
    kinds = kinds_of(epsilon, free, decile_edges(epsilon))
    assert kinds[:2].tolist() == [COLLIDES, ZERO]
    assert kinds[2:].tolist() == np.repeat(np.arange(1, 11), 10).tolist()


def made(held: np.ndarray, epsilon: np.ndarray, objects: np.ndarray) -> Tried:
    free = np.ones(len(held))
    facts = {name: epsilon if name == "epsilon" else free for name in FACTS}
    judged = np.stack([held, held, ~held], axis=1)
    return Tried(
        objects=objects,
        kinds=kinds_of(epsilon, free, decile_edges(epsilon)),
        facts=facts,
        judged=judged,
        true=judged,
        scores={"late": np.where(epsilon > 0.05, epsilon, np.nan)},
    )


def test_tables_on_figures_that_are_known():
    epsilon = np.arange(1, 101) / 1000
    tried = made(epsilon > 0.0505, epsilon, np.array(["a", "b"] * 50))
    assert [round(rate.value, 3) for rate in rates(tried, tried.judged[:, 0]).values()] == (
        [0.0] * 5 + [1.0] * 5
    )
    # Every fact is 1: all grasps are free, antipodal and moved.
    assert rates(tried, tried.judged[:, 0])[10] == wilson(2, 2)
    table, moved, antipodal = area_tables(tried)
    assert table.rows == moved.rows == antipodal.rows
    assert "failures: 50 (lift), 50 (lift with 5 mm of miss), 50 (lift and shake)" in table.note
    by_name = {row[0]: row[1:] for row in table.rows}
    assert by_name["robust epsilon x free"] == (
        "1.000 [1.000, 1.000]",
        "1.000 [1.000, 1.000]",
        "0.000 [0.000, 0.000]",
    )
    assert by_name["free"][0] == "0.500 [0.500, 0.500]"
    # Where it has a score, everything held.
    assert by_name["late"][0] == "no data"
    assert [row[2] for row in outcome_tables(tried)[0].rows] == [10] * 10


def test_what_comes_of_a_grasp_does_not_hang_on_what_was_tried_before_it():
    cell, policy = worker().cell, worker().policy
    drawn = draw(cell, policy, Draw(SEED + 2, 12))
    assert drawn == draw(cell, policy, Draw(SEED + 2, 12))
    grasps = tuple(row[: len(PLACE)] for row in drawn.rows[:3])
    found = try_grasps(cell, policy, Scene(SEED + 2, grasps))
    beside = (*grasps[0][:2], 0.25, *grasps[0][3:])
    again = try_grasps(cell, policy, Scene(SEED + 2, (grasps[0], beside, grasps[2])))
    # In the air nothing is held, and neither that nor a lift leaves a trace.
    assert again == [found[0], tries.Held((False,) * 3, (False,) * 3), found[2]]
    assert [one is not None and one.judged[0] for one in found] == [True, False, True]


def test_what_was_done_is_kept_and_a_policy_that_comes_later_is_scored_alone(monkeypatch, tmp_path):
    played: list[str] = []

    def noted(play, tasks, config, *, workers):
        for result in played_here(play, tasks, config, workers=workers):
            played.append(play.__name__)
            yield result

    monkeypatch.setattr(measuring, "play_all", noted)
    monkeypatch.setattr(parts, "play_all", noted)
    monkeypatch.setattr(parts, "PART", 1)
    job = OutcomesJob(tmp_path, each=2, objects=("validation",))
    first = outcomes(job)
    scenes = played.count("try_grasps")
    assert set(played) == {"draw", "try_grasps"}
    outcome, drawn, areas, *_ = first.tables
    assert [row[2] for row in outcome.rows] == [2] * len(CLASSES)
    assert sum(row[2] for row in drawn.rows) < 2 * len(CLASSES)
    assert [line.name for line in first.charts[0].series] == list(Outcome)

    played.clear()
    sorted(tmp_path.glob("tried-*"))[-1].unlink()
    job = OutcomesJob(tmp_path, policies=("heuristic",), each=2, objects=("validation",))
    second = outcomes(job)
    assert played == ["try_grasps"] + ["score_grasps"] * scenes
    assert second.tables[:2] == first.tables[:2]
    assert second.tables[2].rows[:-1] == areas.rows
    assert second.tables[2].rows[-1][0] == "heuristic"


def test_a_policy_that_cannot_score_is_refused_before_anything_is_tried(tmp_path):
    with pytest.raises(InputError, match="one that can score an action it did not propose"):
        outcomes(OutcomesJob(tmp_path, policies=("random",)))
    assert not list(tmp_path.iterdir())
