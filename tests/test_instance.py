"""`instance` and `composite`: what is asked for by pictures and what is lifted, counted by hand;
the pictures are of the same objects in drops of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from helpers_play import episode, record

from selfgrasp.core import (
    Attempt,
    AttemptKind,
    Context,
    InputError,
    Label,
    ObjectRef,
    Plan,
)
from selfgrasp.core.watcher import Watcher
from selfgrasp.objects.named import objects_named
from selfgrasp.protocols.instance import (
    ABSENT,
    ABSENT_NOT_FOUND,
    COMPOSITE,
    INSTANCE,
    INSTANCE_PER_OBJECT,
    INSTANCE_PROTOCOL,
    MISSED,
    OBJECTS_PER_ATTEMPT,
    metrics,
    pairs,
)
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import SimCell, kuka_bin, tabletop
from selfgrasp.workcell.play import Task
from selfgrasp.workcell.sim.presented import presented

PX = 64


class Declines:
    """Sees nothing to do, and keeps what it was shown."""

    name, privileged = "declines", ()

    def __init__(self) -> None:
        self.seen: list[Context] = []

    def plan(self, context: Context) -> Plan:
        self.seen.append(context)
        return Plan.nothing("no such thing")


@pytest.fixture(scope="module")
def cell() -> SimCell:
    objects = objects_named("vessels-validation")[:4]
    return kuka_bin(objects, KukaBinConfig(count=3, picture_px=PX))


def test_rates_are_counted_by_hand() -> None:
    nothing = {"kind": AttemptKind.NONE, "lifted": ()}
    bins = [
        episode(
            [
                record(True, lifted=["mug"], goal="a mug"),
                record(True, lifted=["cup"], goal="a bowl"),
                record(False, goal="a cup", **nothing),
                record(False, goal=f"{ABSENT}a bottle", **nothing),
            ],
            left=3,
        ),
        episode(
            [
                record(True, lifted=["cup", "mug"], goal="a bottle or a mug"),
                record(False, lifted=[], goal="a cup"),
                record(True, lifted=["mug"], goal=f"{ABSENT}a bowl"),
            ],
            left=3,
        ),
    ]
    found = {metric: estimate.value for metric, estimate in metrics(bins).items()}
    assert found[INSTANCE] == pytest.approx(2 / 5)
    assert found[OBJECTS_PER_ATTEMPT] == pytest.approx(3 / 5)
    assert found[INSTANCE_PER_OBJECT] == pytest.approx(2 / 3)
    assert found[MISSED] == pytest.approx(1 / 5)
    assert found[ABSENT_NOT_FOUND] == pytest.approx(1 / 2)
    assert [INSTANCE_PROTOCOL.per_scene(one) for one in bins] == [pytest.approx(1 / 3), 0.5]


def test_each_object_is_asked_for_once_and_then_one_that_is_not_there(cell: SimCell) -> None:
    policy, other = Declines(), Declines()
    played = INSTANCE_PROTOCOL.play(cell.cell, policy, Task(3))
    there = {one.name for one in played.placed or ()}
    *asked, absent = [one.goal for one in played.attempts]
    assert set(asked) <= there
    assert len(set(asked)) == len(asked) >= 2
    assert absent.startswith(ABSENT)
    assert absent.removeprefix(ABSENT) not in there
    assert {one.kind for one in played.attempts} == {AttemptKind.NONE}
    pictures = [one.goal.image for one in policy.seen]
    assert all(one is not None and one.size == (PX, PX) for one in pictures)
    # The names are for the records: a policy is shown pictures alone.
    assert {one.goal.words for one in policy.seen} == {"picture"}

    again = INSTANCE_PROTOCOL.play(cell.cell, other, Task(3))
    assert [one.goal for one in again.attempts] == [*asked, absent]
    for one, same in zip(policy.seen, other.seen, strict=True):
        assert one.goal.image is not None
        assert same.goal.image is not None
        np.testing.assert_array_equal(one.goal.image.color, same.goal.image.color)
        np.testing.assert_array_equal(
            one.observation.view(None).color, same.observation.view(None).color
        )


class Watches(Watcher):
    """Counts attempts."""

    def __init__(self) -> None:
        self.goals: list[str] = []

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        self.goals.append(attempt.goal.words)


def test_how_the_pictures_were_taken_is_no_attempt_of_the_policy(cell: SimCell) -> None:
    watcher = Watches()
    cell.cell.watchers = (watcher,)
    try:
        played = INSTANCE_PROTOCOL.play(cell.cell, Declines(), Task(3))
    finally:
        cell.cell.watchers = ()
    assert watcher.goals == ["picture"] * len(played.attempts)


def test_a_composite_goal_is_two_pictures(cell: SimCell) -> None:
    policy = Declines()
    played = COMPOSITE.play(cell.cell, policy, Task(3))
    first, *_ = played.attempts
    assert first.goal.count(" or ") == 1
    assert [part.image is not None for part in policy.seen[0].goal.any_of] == [True, True]
    assert pairs({}, []) == []
    lifted = replace(first, lifted=(ObjectRef(first.goal.split(" or ")[1], ""),), true=True)
    assert COMPOSITE.per_scene(replace(played, attempts=(lifted,))) == 1.0


def test_a_picture_is_of_another_drop_and_the_same_for_its_seed(cell: SimCell) -> None:
    (name, *_) = (item.name for item in objects_named("vessels-validation"))
    one, same, other = (presented(cell.cell, name, seed) for seed in (5, 5, 6))
    assert one is not None
    assert same is not None
    assert other is not None
    np.testing.assert_array_equal(one.color, same.color)
    assert (one.color != other.color).any()


def test_cells_and_objects_that_cannot_be_presented_are_refused(cell: SimCell) -> None:
    with pytest.raises(InputError, match="holds things before its camera"):
        presented(tabletop("train").cell, "x", 0)
    with pytest.raises(InputError, match="given: object 'teapot'"):
        presented(cell.cell, "teapot", 0)
