"""The baselines of the paper's table II, on bars whose truth is known, and a gripper that does not
close fully."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from physics_bench import block, grasp

from selfgrasp.core import CellSpec, Context, Fault, GripperSpec, InputError, Outcome, Plan
from selfgrasp.learn import Examples
from selfgrasp.methods.supersizing.config import outputs, small
from selfgrasp.methods.supersizing.examples import stored_pixels
from selfgrasp.papers.supersizing.eigen import HOPELESS, bar_of, middle_thing, tried
from selfgrasp.papers.supersizing.hog import Described, describe, neighbour_shares, svm_scores
from selfgrasp.papers.supersizing.table2 import (
    baseline_rows,
    best_cut,
    heuristic_rows,
    learned_rows,
)
from selfgrasp.rollout.collect import make_session
from selfgrasp.rollout.jobs import CollectJob as Args
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.config import GRIPPER
from selfgrasp.workcell.cells.registry import cell_spec, stored_options
from selfgrasp.workcell.cells.simulated import SimCell, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig

CONFIG = outputs()
PIXEL = CONFIG.context * GRIPPER.opening / CONFIG.pixels
BAXTER = replace(GRIPPER, closed=0.037)
TOLERANCE = math.radians(25)


def bar_height(
    side: int, angle: float, length: float, width: float, *, at: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float32]:
    """(side, side) m: a bar 40 mm high along `angle` rad from the columns' direction, its middle
    `at` (x, y) m, on a table."""
    reach = (np.arange(side) - (side - 1) / 2) * PIXEL
    x, y = reach[None, :] - at[0], reach[:, None] - at[1]
    along, across = (
        math.cos(angle) * x + math.sin(angle) * y,
        -math.sin(angle) * x + math.cos(angle) * y,
    )
    return np.where((abs(along) <= length / 2) & (abs(across) <= width / 2), 0.04, 0.0).astype(
        np.float32
    )


def bars(
    angles: NDArray,
    yaws: NDArray,
    *,
    length: float = 0.08,
    width: float = 0.025,
    noise: float = 0.0,
) -> Examples:
    """Bars along the world's `angles` rad with the grasps' `yaws` rad, stored in the gripper's
    frame; held if the grasp closes across, within `TOLERANCE`."""
    side, n = stored_pixels(CONFIG), len(angles)
    height = np.stack(
        [bar_height(side, a - y, length, width) for a, y in zip(angles, yaws, strict=True)]
    )
    across = np.abs(yaws - angles - math.pi / 2) % math.pi
    height += np.random.default_rng(0).normal(0, noise, height.shape).astype(np.float32)
    color = np.repeat(np.where(height > 0.02, 200, 60).astype(np.uint8)[..., None], 3, axis=3)
    columns = {
        "color": color,
        "height": height.astype(np.float16),
        "fingertip": np.full(n, 0.015, np.float32),
        "width": np.full(n, GRIPPER.opening, np.float32),
        "yaw": yaws.astype(np.float32),
        "grasped": (np.minimum(across, math.pi - across) < TOLERANCE).astype(np.uint8),
    }
    return Examples(columns, np.ones(n, np.float32))


def random_bars(n: int, seed: int, **kwargs: float) -> Examples:
    rng = np.random.default_rng(seed)
    return bars(rng.uniform(0, math.pi, n), rng.uniform(0, math.pi, n), **kwargs)


def between(a: float, b: float) -> float:
    """rad between two directions without a sense."""
    return min(abs(a - b) % math.pi, math.pi - abs(a - b) % math.pi)


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 135, 179])
def test_a_grasp_closes_across_a_bar_of_known_angle_and_size(degrees: int) -> None:
    bar = bar_of(middle_thing(bar_height(45, math.radians(degrees), 0.07, 0.02), 0.006), PIXEL)
    assert bar is not None
    assert between(bar.closing, math.radians(degrees + 90)) < math.radians(2)
    assert bar.length == pytest.approx(0.07, abs=PIXEL)
    assert bar.width == pytest.approx(0.02, abs=PIXEL)


def test_cells_in_a_row_are_as_long_as_they_look() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 2:7] = True
    bar = bar_of(mask, 0.003)
    assert bar is not None
    assert (bar.length, bar.width) == pytest.approx((0.015, 0.003), abs=1e-9)
    assert bar.closing == pytest.approx(math.pi / 2)


def test_what_is_nearest_to_the_middle_counts_and_not_what_is_largest() -> None:
    near, far = (
        bar_height(45, 0.0, 0.02, 0.02, at=(0.015, 0.0)),
        bar_height(45, 0.0, 0.1, 0.02, at=(0.0, 0.045)),
    )
    assert (middle_thing(near + far, 0.006) == (near > 0)).all()
    assert not middle_thing(np.full((45, 45), 0.005, np.float32), 0.006).any()
    assert bar_of(np.zeros((45, 45), bool), PIXEL) is None


def test_errors_are_between_the_tried_and_the_best_direction_in_the_world() -> None:
    angles, yaws = np.radians([10, 10, 100, 150, 30]), np.radians([100, 70, 10, 150, 125])
    found = tried(bars(angles, yaws), GRIPPER, CONFIG)
    assert np.degrees(found.error) == pytest.approx([0, 30, 0, 90, 5], abs=2.5)
    assert found.length == pytest.approx(0.08, abs=2 * PIXEL)


def test_what_is_shorter_than_the_closed_gripper_is_hopeless_and_so_is_nothing() -> None:
    yaws = np.radians([90.0])
    parts = [bars(np.zeros(1), yaws, length=length, width=0.01) for length in (0.03, 0.06, -1.0)]
    found = tried(Examples.concatenate(parts), BAXTER, CONFIG)
    assert np.flatnonzero(found.scores() == HOPELESS).tolist() == [2]
    assert np.flatnonzero(found.scores(limit=BAXTER.closed) == HOPELESS).tolist() == [0, 2]
    assert -math.pi / 2 > HOPELESS, "hopeless at every error threshold"


def test_a_cut_by_hand() -> None:
    scores, held = np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, True, False, True])
    cut = best_cut(scores, held)
    assert (cut.threshold, cut.accuracy) == (0.2, 0.75)
    assert best_cut(scores, held, np.array([0.4])).accuracy == 0.75
    assert best_cut(scores, held, np.array([9.0])).accuracy == 0.5


def test_the_heuristic_finds_the_tolerance_that_made_the_labels() -> None:
    train, validation, test = (random_bars(n, seed) for seed, n in enumerate((300, 50, 200)))
    eigenvector, limited, hindsight = heuristic_rows(train, validation, test, GRIPPER, CONFIG)
    assert eigenvector.chosen["error_deg"] == pytest.approx(math.degrees(TOLERANCE), abs=3)
    assert (limited.scores == eigenvector.scores).all(), "fingers that meet have no limit"
    held = test["grasped"] > 0
    assert ((eigenvector.scores >= eigenvector.threshold) == held).mean() > 0.95
    assert (eigenvector.optimistic, limited.optimistic, hindsight.optimistic) == (
        False,
        False,
        True,
    )


def test_hindsight_finds_the_limit_that_made_the_labels_and_is_never_worse() -> None:
    def mixed(seed: int) -> Examples:
        short, long = (
            random_bars(150, seed, length=0.045, width=0.02),
            random_bars(150, seed + 100, length=0.09, width=0.02),
        )
        return Examples.concatenate(
            [Examples({**short.columns, "grasped": 0 * short["grasped"]}, short.weights), long]
        )

    test = mixed(3)
    rows = heuristic_rows(mixed(1), mixed(2), test, BAXTER, CONFIG)
    held = test["grasped"] > 0
    accuracy = [best_cut(row.scores, held, np.array([row.threshold])).accuracy for row in rows]
    assert 47 < rows[2].chosen["limit_mm"] < 91
    assert accuracy[2] == max(accuracy) > 0.95
    assert rows[1].chosen["limit_mm"] == 37
    assert accuracy[1] < accuracy[2] - 0.02, "37 mm are no reason to leave a bar of 45 mm alone"


def described(features: NDArray, bins: list[int], held: list[int]) -> Described:
    return Described(
        np.asarray(features, dtype=np.float32), np.array(bins), np.array(held, dtype=bool)
    )


def test_neighbours_are_of_the_same_angle_class_only() -> None:
    train = described(
        np.array([[0, 0], [0.1, 0], [5, 0], [0, 0], [0.1, 0], [5, 0]]),
        [3, 3, 3, 4, 4, 4],
        [1, 1, 0, 0, 0, 1],
    )
    shares = neighbour_shares(
        train, described(np.zeros((3, 2)), [3, 4, 9], [0, 0, 0]), (1, 2, 3, 50)
    )
    assert shares.T.tolist() == [[1, 1, 2 / 3, 2 / 3], [0, 0, 1 / 3, 1 / 3], [0.5] * 4]


def test_every_angle_class_has_an_svm_of_its_own() -> None:
    rng = np.random.default_rng(0)
    features, bins = rng.normal(size=(400, 2)), rng.integers(0, 2, 400)
    held = (features[:, 0] > 0) == (bins == 1)
    train = described(
        np.concatenate([features, np.zeros((3, 2))]), [*bins, 2, 2, 3], [*held, 1, 1, 0]
    )
    asked = described(np.array([[1, 0], [1, 0], [0, 0], [0, 0], [0, 0]]), [0, 1, 2, 3, 4], [0] * 5)
    (scores,) = svm_scores(train, [asked], 1.0, 18)
    assert scores[0] < -0.5 < 0.5 < scores[1]
    assert scores[2:].tolist() == [1, -1, 0]


def test_the_learners_beat_chance_where_the_angle_decides() -> None:
    train, validation, test = (
        random_bars(n, seed, noise=0.001) for seed, n in enumerate((1500, 300, 400))
    )
    held = test["grasped"] > 0
    rows = baseline_rows(train, validation, test, GRIPPER, CONFIG)
    assert [row.name for row in rows] == [
        "smallest eigenvector",
        "eigenvalue limit",
        "hindsight best",
        "kNN on HoG",
        "linear SVM on HoG",
        "kNN on HoG with depth",
        "linear SVM on HoG with depth",
    ]
    assert [row.paper for row in rows] == [0.534, 0.599, 0.621, 0.694, 0.733, None, None]
    for row in rows:
        assert row.scores.shape == (400,)
        assert best_cut(row.scores, held, np.array([row.threshold])).accuracy > 0.8, row.name
    shuffled = Examples(
        {**train.columns, "grasped": np.random.default_rng(0).permutation(train["grasped"])},
        train.weights,
    )
    for row in learned_rows(
        *(describe(part, CONFIG).picture for part in (shuffled, validation, test)),
        CONFIG,
        depth=False,
    ):
        assert best_cut(row.scores, held, np.array([row.threshold])).accuracy < 0.65, row.name


def test_only_examples_that_can_be_turned_back_are_taken() -> None:
    with pytest.raises(InputError, match="18 outputs"):
        tried(random_bars(2, 0), GRIPPER, small())
    some = random_bars(20, 0)
    none = Examples({**some.columns, "grasped": 0 * some["grasped"]}, some.weights)
    with pytest.raises(InputError, match="20 validation examples of which 0 held"):
        heuristic_rows(some, none, some, GRIPPER, CONFIG)


class Fixed:
    """Always the same grasp at the table's middle."""

    name, privileged = "fixed", ()

    def plan(self, context: Context) -> Plan:
        return Plan((grasp(0.0, 0.0, 0.01, width=context.spec.gripper.opening),), np.ones(1))


def attempt_on(made: SimCell, *, empty: bool = False) -> Outcome:
    """What comes of a grasp at the middle of the table, on the cell's object laid there squarely,
    or on nothing."""
    with made.cell as cell:
        cell.reset(0)
        made.world.remove(0) if empty else made.world.place(0, np.array([0.0, 0.0, 0.03]))
        made.world.forward()
        cell.drivers.scene.settle()
        return cell.attempt(Fixed(), Ids("closed", 0, 0)).attempt.outcome


def cell_of(width: float, closed: float) -> SimCell:
    options = TabletopConfig(count=1, picture_px=32, noise="none", gripper_closed=closed)
    return tabletop([block(width, width, width)], options)


def test_fingers_at_their_stop_hold_nothing_on_an_empty_table() -> None:
    outcome = attempt_on(cell_of(0.05, 0.037), empty=True)
    assert not outcome.grasped
    assert outcome.fault is None
    assert outcome.width == pytest.approx(0.037, abs=0.001)
    assert outcome.force > 10, "the force alone would say that something is held"


@pytest.mark.parametrize(
    ("width", "closed", "held"),
    [(0.05, 0.037, True), (0.042, 0.037, True), (0.03, 0.037, False), (0.03, 0.0, True)],
)
def test_what_is_thicker_than_the_closed_gripper_is_held(
    width: float, closed: float, held: bool
) -> None:
    made = cell_of(width, closed)
    outcome = attempt_on(made)
    assert outcome.grasped is held
    assert outcome.fault in (None, Fault.SLIPPED) if held else outcome.fault is None
    if held:
        assert outcome.width == pytest.approx(width, abs=0.002)
        assert outcome.force > 10


def test_fingers_open_and_close_within_their_travel() -> None:
    made = cell_of(0.05, 0.037)
    gripper, control = made.cell.drivers.gripper, made.cell.control
    with made.cell as cell:
        cell.reset(0)
        cell.drivers.arm.away(control=control)
        gripper.open(0.01, control=control)
        assert gripper.width() == pytest.approx(0.037)
        gripper.open(0.06, control=control)
        assert gripper.width() == pytest.approx(0.06)
        gripper.close(control=control)
        assert gripper.width() == pytest.approx(0.037, abs=1e-3)
        assert not made.world.holds_firmly


def test_a_gripper_that_closes_fully_leaves_no_trace_in_what_is_stored() -> None:
    plain, baxter = (
        cell_spec("tabletop", TabletopConfig()),
        cell_spec("tabletop", TabletopConfig(gripper_closed=0.037)),
    )
    assert "closed" not in plain.to_json()["gripper"]
    assert "gripper_closed" not in plain.options
    assert CellSpec.from_json(plain.to_json()).gripper == GRIPPER
    assert CellSpec.from_json(baxter.to_json()).gripper == BAXTER
    assert stored_options("tabletop", baxter.options).gripper_closed == BAXTER.closed
    assert plain.fingerprint != baxter.fingerprint
    for closed in (0.0, 0.037):
        options = make_session(
            Args(Path("unused"), options=TabletopConfig(gripper_closed=closed))
        ).options["cell"]
        assert options.get("gripper_closed", 0.0) == closed
        assert ("gripper_closed" in options) == bool(closed)


@pytest.mark.parametrize("closed", [-0.001, 0.085, math.nan])
def test_a_gripper_closes_further_than_it_opens(closed: float) -> None:
    with pytest.raises(InputError, match="less than the opening"):
        GripperSpec(0.085, 0.01, 0.02, 0.05, 20.0, closed=closed)
