"""The benchmark's arithmetic on data whose answer is known, and its scenes played by policies whose
order is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_attempt, make_spec
from helpers_play import episode, record, without_truth

import selfgrasp.evaluation.data as evaluation_data
from selfgrasp.common.intervals import Estimate, bootstrap, paired, ratio, wilson
from selfgrasp.core import Action, AttemptKind, Context, Fault, InputError, Plan
from selfgrasp.core.arrays import FloatArray
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measure import measure
from selfgrasp.learn import save
from selfgrasp.methods import registry
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.protocols import METRICS, PLAYED, clear, embedding, isolated, prediction
from selfgrasp.protocols.clear import COMPLETION, INTERACTIONS
from selfgrasp.protocols.deplete import FAILURES
from selfgrasp.protocols.episode import Row
from selfgrasp.protocols.metric import (
    DOUBLE_LIFTS,
    JUDGE_DISAGREES,
    LOST,
    PICKS_PER_HOUR,
    PLAN_SECONDS,
    SUCCESS,
    TRUE_SUCCESS,
)
from selfgrasp.protocols.prediction import (
    ACCURACY,
    Predictions,
    auc,
    balanced,
    best_threshold,
    calibration,
    predict,
)
from selfgrasp.rollout.policies import resolve
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.simulated import SimCell, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Stop, Task, play
from selfgrasp.workcell.sim.oracle import OraclePolicy


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # By hand: z^2 = 3.8415; middle (0.5 + 0.19207) / 1.38415 = 0.5, spread 1.96 / 1.38415 *
        # sqrt(0.025 + 0.0096037) = 0.26341.
        (5, 10, 0.2366, 0.7634),
    ],
)
def test_wilson_agrees_with_the_published_table(
    successes: int, trials: int, low: float, high: float
) -> None:
    estimate = wilson(successes, trials)
    assert estimate.value == successes / trials
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)
    assert estimate.n == trials


def test_wilson_mirrors_and_stays_inside_zero_and_one() -> None:
    for k in range(11):
        a, b = wilson(k, 10), wilson(10 - k, 10)
        assert (a.low, a.high) == pytest.approx((1 - b.high, 1 - b.low))
        assert 0.0 <= a.low <= a.value <= a.high <= 1.0
    nothing = wilson(0, 0)
    assert np.isnan(nothing.value)
    assert (nothing.low, nothing.high, nothing.n) == (0.0, 1.0, 0)


def coverage(intervals: list[Estimate], truth: float) -> float:
    return float(np.mean([i.low <= truth <= i.high for i in intervals]))


def test_bootstrap_intervals_of_a_mean_cover_it_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    intervals = [bootstrap(rng.normal(2.0, 1.0, 40)) for _ in range(300)]
    assert 0.90 <= coverage(intervals, 2.0) <= 0.985
    # The width of a 95 % interval of a mean of 40 is 2 * 1.96 / sqrt(40), less 1 in 80 for the
    # plug-in variance.
    assert np.mean([i.high - i.low for i in intervals]) == pytest.approx(
        2 * 1.96 / np.sqrt(40), rel=0.05
    )


def test_attempts_of_a_scene_count_as_one_unit() -> None:
    """Scenes differ in difficulty; an interval that took their 20 attempts for independent would be
    far too short."""
    rng = np.random.default_rng(1)
    clustered, naive = [], []
    for _ in range(200):
        rates = rng.beta(2, 2, 30)
        held = rng.binomial(20, rates)
        clustered.append(ratio(np.column_stack([held, np.full(30, 20)])))
        naive.append(wilson(int(held.sum()), 600))
    assert 0.89 <= coverage(clustered, 0.5) <= 0.985
    assert coverage(naive, 0.5) < 0.75
    assert clustered[0].n == 30


def test_a_ratio_is_of_sums_and_not_a_mean_of_ratios() -> None:
    estimate = ratio([(1, 1), (0, 9)])
    assert estimate.value == 0.1
    assert (estimate.low, estimate.high) == (0.0, 1.0)


def test_bootstrap_of_what_does_not_vary_is_a_point_and_of_nothing_is_nan() -> None:
    assert bootstrap(np.full(7, 3.5)) == Estimate(3.5, 3.5, 3.5, 7)
    assert bootstrap([4.0]) == Estimate(4.0, 4.0, 4.0, 1)
    assert np.isnan(bootstrap([]).value)
    rows = np.random.default_rng(2).normal(size=20)
    assert bootstrap(rows, seed=5) == bootstrap(rows, seed=5)


def test_pairs_take_out_what_two_policies_share() -> None:
    """Scenes vary by 10, the policies differ by 1: seen in pairs, invisible otherwise."""
    rng = np.random.default_rng(3)
    scene = rng.normal(0.0, 10.0, 30)
    a, b = scene + 1.0 + rng.normal(0, 0.5, 30), scene + rng.normal(0, 0.5, 30)
    difference = paired(a, b)
    assert difference.low > 0.5
    assert difference.high < 1.5
    assert difference.value == pytest.approx(np.mean(a) - np.mean(b))
    assert paired(b, a).value == -difference.value
    assert bootstrap(a).low < bootstrap(b).high
    assert paired(a, a) == Estimate(0.0, 0.0, 0.0, 30)


def predictions(
    scores: list[float], held: list[int], groups: list[int] | None = None
) -> Predictions:
    return Predictions(
        np.array(scores),
        np.array(held, dtype=bool),
        np.array(groups if groups is not None else range(len(scores)), dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("scores", "held", "area"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1], 0.5),
        # Of the four pairs (success, failure): 0.4 > 0.1, 0.4 < 0.6, 0.8 > 0.1, 0.8 > 0.6.
        ([0.1, 0.4, 0.6, 0.8], [0, 1, 0, 1], 0.75),
        # One pair is a tie: 1, 1/2, 1, 1.
        ([0.1, 0.6, 0.6, 0.8], [0, 1, 0, 1], 0.875),
        ([3.0, -7.0], [1, 0], 1.0),
    ],
)
def test_auc_is_the_share_of_pairs_in_the_right_order(
    scores: list[float], held: list[int], area: float
) -> None:
    estimate = auc(predictions(scores, held))
    assert estimate.value == area
    assert 0.0 <= estimate.low <= area <= estimate.high <= 1.0
    assert estimate.n == len(scores)


def test_auc_knows_only_the_order_and_needs_both_outcomes() -> None:
    rng = np.random.default_rng(4)
    scores, held = rng.normal(size=50), rng.random(50) < 0.4
    groups = np.arange(50)
    assert (
        auc(Predictions(scores, held, groups)).value
        == auc(Predictions(np.exp(scores), held, groups)).value
    )
    assert auc(Predictions(scores, held, groups)).value == pytest.approx(
        1 - auc(Predictions(-scores, held, groups)).value
    )
    assert np.isnan(auc(predictions([0.1, 0.9], [1, 1])).value)


def test_hanley_and_mcneils_interval() -> None:
    """Two normals 1 apart: the area is Phi(1 / sqrt 2) = 0.7602."""
    rng = np.random.default_rng(5)
    intervals = [
        auc(
            Predictions(
                np.r_[rng.normal(1, 1, 60), rng.normal(0, 1, 60)],
                np.arange(120) < 60,
                np.arange(120),
            )
        )
        for _ in range(300)
    ]
    assert np.mean([i.value for i in intervals]) == pytest.approx(0.7602, abs=0.01)
    assert 0.92 <= coverage(intervals, 0.7602) <= 0.98


def test_balancing_takes_as_many_failures_as_successes_and_changes_none() -> None:
    made = predictions(list(np.arange(30) / 30), [1] * 8 + [0] * 22)
    sample = balanced(made, np.random.default_rng(6))
    assert sample.held.sum() == 8
    assert (~sample.held).sum() == 8
    assert len(set(sample.groups.tolist())) == 16
    assert np.array_equal(made.scores[sample.groups], sample.scores)
    assert np.array_equal(made.held[sample.groups], sample.held)
    again = balanced(made, np.random.default_rng(6))
    assert np.array_equal(sample.groups, again.groups)
    assert len(balanced(predictions([0.1, 0.2], [0, 0]), np.random.default_rng(0)).scores) == 0


def test_a_guess_scores_a_half_whatever_the_share_of_successes() -> None:
    made = predictions([1.0] * 100, [1] * 10 + [0] * 90)
    assert prediction.metrics(made, 0.5, np.random.default_rng(0))[ACCURACY].value == 0.5


def test_accuracy_is_bootstrapped_by_state_group() -> None:
    """Ten groups of ten alike attempts each say no more than ten attempts."""
    right = np.array([1, 1, 1, 1, 0, 1, 1, 1, 1, 0])
    held = np.tile([1, 0], 5)
    scores = np.where(right == held, 1.0, 0.0)
    alone = predictions(scores.tolist(), held.tolist())
    repeated = Predictions(
        np.repeat(scores, 10), np.repeat(held, 10).astype(bool), np.repeat(np.arange(10), 10)
    )
    few, many = (
        prediction.metrics(p, 0.5, np.random.default_rng(0))[ACCURACY] for p in (alone, repeated)
    )
    assert few.value == many.value == 0.8
    assert (many.n, few.n) == (100, 10)
    assert many.high - many.low == pytest.approx(few.high - few.low, abs=0.05)


def test_the_threshold_separates_what_can_be_separated() -> None:
    threshold = best_threshold(predictions([0.1, 0.2, 0.7, 0.9], [0, 0, 1, 1]))
    assert 0.2 < threshold <= 0.7


def test_calibration_bins() -> None:
    rows = calibration(predictions([0.05, 0.05, 0.95, 1.0], [0, 1, 1, 1]), bins=10)
    assert rows == [(0.05, 0.5, 2), (0.975, 1.0, 2)]


class _ByX:
    """Scores an action by where it is."""

    def score(self, context: Context, actions: tuple[Action, ...]) -> FloatArray:
        return np.array([a.world_from_tool[0, 3] for a in actions])  # type: ignore[union-attr]


def test_prediction_skips_attempts_that_say_nothing_about_the_grasp() -> None:
    rng = np.random.default_rng(7)
    faults = (
        None,
        Fault.BLOCKED,
        Fault.SLIPPED,
        Fault.UNREACHABLE,
        Fault.STOPPED,
        Fault.UNSTABLE,
        Fault.NO_IMAGE,
        Fault.NOTHING,
    )
    tried = [
        make_attempt(rng, index=i, fault=fault, scene=0 if i < 2 else i)
        for i, fault in enumerate(faults)
    ]
    made = predict(_ByX(), tried, make_spec())
    assert len(made.scores) == 4
    assert made.held.tolist() == [a.outcome.grasped for a in tried[:4]]
    assert made.groups[0] == made.groups[1]
    assert len(set(made.groups.tolist())) == 3
    assert made.scores.tolist() == [a.steps[0].action.world_from_tool[0, 3] for a in tried[:4]]  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def cell() -> Iterator[SimCell]:
    made = tabletop(train_objects(12), TabletopConfig(count=3, picture_px=48, noise="none"))
    with made.cell:
        yield made


class _Nothing(RandomPolicy):
    def plan(self, context: Context) -> Plan:
        return Plan.nothing("tired")


SEEDS = range(5)


def test_random_never_beats_the_oracle_at_clearing(cell: SimCell) -> None:
    """On the same scenes: the oracle needs no more interactions, and clears them all."""
    oracle, chance = (
        [clear.play(cell.cell, policy, Task(seed)) for seed in SEEDS]
        for policy in (OraclePolicy(cell.cell), RandomPolicy())
    )
    for best, other in zip(oracle, chance, strict=True):
        assert best.task == other.task
        assert clear.interactions(best) <= clear.interactions(other)
        assert best.cleared
        assert best.true is not None
        assert best.true <= len(best.attempts)
    figures = {
        name: clear.metrics(episodes) for name, episodes in (("oracle", oracle), ("random", chance))
    }
    assert figures["oracle"][SUCCESS].value > figures["random"][SUCCESS].value
    assert figures["oracle"][COMPLETION] == Estimate(1.0, 1.0, 1.0, len(SEEDS))
    assert figures["oracle"][INTERACTIONS].value >= 2.0
    assert figures["oracle"][PICKS_PER_HOUR].value > figures["random"][PICKS_PER_HOUR].value


def test_random_never_beats_the_oracle_at_one_object() -> None:
    made = tabletop(
        train_objects(12), replace(isolated.ISOLATED.config, picture_px=48, noise="none")
    )
    with made.cell:
        oracle, chance = (
            [isolated.play(made.cell, policy, Task(seed)) for seed in range(15)]
            for policy in (OraclePolicy(made.cell), RandomPolicy())
        )
    assert all(len(e.attempts) == 1 for e in (*oracle, *chance))
    assert all(best.true >= other.true for best, other in zip(oracle, chance, strict=True))
    best, other = isolated.metrics(oracle), isolated.metrics(chance)
    assert best[SUCCESS].value >= other[SUCCESS].value
    assert best[SUCCESS] == wilson(sum(e.judged for e in oracle), 15)


def test_an_episode_is_the_same_when_it_is_played_again(cell: SimCell) -> None:
    first, second = (clear.play(cell.cell, RandomPolicy(), Task(11)) for _ in range(2))
    assert replace(first, plan_seconds=0.0) == replace(second, plan_seconds=0.0)


def test_giving_up_and_being_capped_count_at_the_cap(cell: SimCell) -> None:
    gave_up = clear.play(cell.cell, _Nothing(), Task(0))
    assert (gave_up.cleared, gave_up.judged, len(gave_up.attempts)) == (False, 0, 1)
    assert clear.interactions(gave_up) == clear.CAP == 40
    capped = play(cell.cell, RandomPolicy(), Task(0), ids=Ids("t", 0, 0), stop=Stop(most=1))
    assert (len(capped.attempts), capped.cleared) == (1, False)
    assert clear.interactions(capped) == 40


def test_two_runs_that_reports_would_call_the_same_are_refused(tmp_path: Path) -> None:
    runs = [tmp_path / name / "first" for name in ("a", "b")]
    for run in runs:
        save(run / "checkpoints" / "best.safetensors", registry.build("supersizing"))
    with pytest.raises(
        InputError, match=r"a/first and .*b/first, both called 'supersizing \(first\)'"
    ):
        measure(BenchJob("isolated", tuple(map(str, runs))), out=tmp_path / "out")


def test_reports_call_what_is_shipped_by_its_name_and_a_run_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("random", "mine"):
        save(tmp_path / folder / "checkpoints" / "best.safetensors", registry.build("hand_eye"))
    monkeypatch.chdir(tmp_path)
    names = (
        "random",
        "hand_eye",
        "hand_eye+open",
        "./mine",
        "./mine+open",
        "mine/checkpoints/best.safetensors",
    )
    assert [resolve(name).label for name in names] == [
        "random",
        "hand_eye",
        "hand_eye+open",
        "hand_eye (mine)",
        "hand_eye (mine+open)",
        "hand_eye (mine)",
    ]
    monkeypatch.chdir("mine/checkpoints")
    assert resolve("best.safetensors").label == "hand_eye (mine)"
    monkeypatch.chdir(tmp_path)
    assert resolve("random").identity == "random"


def test_prediction_names_what_is_wrong_before_anything_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation_data, "collect", lambda *_, **__: pytest.fail("collected"))
    unable = "one that can score an action"
    for policy, message in (
        ("nosuch", "policy 'nosuch'"),
        ("random", unable),
        ("hand_eye", unable),
        ("semantic", unable),
    ):
        with pytest.raises(InputError, match=message):
            measure(BenchJob("prediction", (policy,)), out=tmp_path)
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(InputError, match="a dataset; wanted: a folder for"):
        measure(BenchJob("prediction", ("heuristic",), data=(tmp_path,)), out=tmp_path)


HELD, MISSED = record(True), record(False)


def test_clearing_by_hand_worked_episodes() -> None:
    slipped = record(False, lifted=("thing",))
    figures = clear.metrics(
        [
            episode([HELD] * 10 + [MISSED] * 10, left=0),
            episode([HELD] * 5 + [slipped] + [MISSED] * 34, left=4, seconds=120.0),
            episode([HELD] * 10 + [MISSED] * 20, left=1),
        ]
    )
    assert figures[INTERACTIONS].value == pytest.approx((20 + 40 + 40) / 3)
    # The last one gave up after 30, and has failed the ten that it did not try.
    assert figures[SUCCESS].value == pytest.approx(25 / 100)
    assert figures[PICKS_PER_HOUR].value == pytest.approx(3600 * 26 / 240)
    assert figures[COMPLETION].value == pytest.approx(1 / 3)
    assert figures[JUDGE_DISAGREES].value == pytest.approx(1 / 90)
    assert figures[LOST].value == 0.0
    assert {estimate.n for estimate in figures.values()} == {3}


def test_a_scene_from_which_something_was_lost_is_not_cleared() -> None:
    """Eight lifted, two lost: nothing is left, and yet not everything was lifted."""
    scene = episode([HELD] * 8 + [record(False, lost=2)], left=0)
    assert (scene.lost, scene.cleared) == (2, False)
    figures = clear.metrics([scene])
    assert figures[COMPLETION].value == 0.0
    assert figures[INTERACTIONS].value == clear.CAP
    assert figures[LOST].value == pytest.approx(2 / 10)
    assert figures[SUCCESS].value == pytest.approx(8 / 9), "there was nothing left to try"


def test_a_push_is_no_failed_grasp() -> None:
    push = record(False, kind=AttemptKind.PUSH)
    figures = clear.metrics([episode([push, HELD, push, HELD, MISSED], left=0)])
    assert figures[SUCCESS].value == pytest.approx(2 / 3)
    assert figures[INTERACTIONS].value == 5.0


def test_isolated_by_hand_worked_episodes() -> None:
    figures = isolated.metrics(
        [
            episode([record(k < 7, lifted=("thing",) if k < 6 else ())], left=0, placed=1)
            for k in range(10)
        ]
    )
    assert figures[SUCCESS] == wilson(7, 10)
    assert figures[TRUE_SUCCESS] == wilson(6, 10)


@pytest.mark.parametrize("name", ["isolated", "clear", "deplete"])
def test_without_truth_what_needs_it_is_absent_and_not_zero(name: str) -> None:
    tries = [[True]] * 3 if name == "isolated" else [[True, True, True]]
    figures = PLAYED[name].metrics([without_truth(outcomes) for outcomes in tries])
    assert not set(figures) & {TRUE_SUCCESS, JUDGE_DISAGREES, DOUBLE_LIFTS, LOST, PICKS_PER_HOUR}
    assert not set(figures) & {COMPLETION, INTERACTIONS}
    assert PLAN_SECONDS in figures
    if name == "deplete":
        assert figures[FAILURES[10]].value == 0.0
    else:
        assert figures[SUCCESS].value == 1.0


def test_a_row_carries_its_interval() -> None:
    row = Row.of(
        Estimate(0.5, 0.4, 0.6, 9), policy="random", objects="seen", metric="success", paper=0.73
    )
    assert (row.value, row.low, row.high, row.n, row.paper, row.privileged) == (
        0.5,
        0.4,
        0.6,
        9,
        0.73,
        (),
    )


def test_every_figure_of_every_protocol_says_what_it_means_and_which_way_is_better() -> None:
    # A grasp with everything that is known of grasps and, for the sake of names, of pushes.
    known = replace(HELD, score=0.9, calibrated=True, worth=(False, True))
    episodes = [episode([known], left=0)]
    measured = {
        metric for protocol in PLAYED.values() for metric in protocol.metrics(episodes)
    } | set(prediction.metrics(predictions([0.1, 0.9], [0, 1]), 0.5, np.random.default_rng(0)))
    # Those of `embedding` are measured in tests of its own.
    assert measured | set(embedding.METRICS) == set(METRICS.values())
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.title
        assert metric.meaning
    assert {name for name, metric in METRICS.items() if not metric.higher_is_better} == {
        "interactions",
        "judge_disagrees",
        "double_lifts",
        "lost",
        "missed",
        "accepted_wrong",
        "dropped_right",
        "attempts_per_goal",
        "plan_seconds",
        "failure_first_10",
        "failure_first_20",
        "failure_first_30",
        "failure_with_replacement",
    }
