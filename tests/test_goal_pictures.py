"""Attempts that are asked for the thing in a picture: of another dataset, or of the same bin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_attempts, make_session

from selfgrasp.codec import encode_attempt
from selfgrasp.core import Attempt, Goal, InputError
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.goals import GoalPictures, GraspedGoals, pictures_of
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.replay import replay
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.tabletop import TabletopConfig

OPTIONS = TabletopConfig(count=3, picture_px=32)


def write(folder: Path, *, present: bool = True, count: int = 12) -> Path:
    session = make_session()
    made = make_attempts(count, session=session, present=present)
    with DatasetWriter.create_or_open(folder, session) as writer:
        writer.append([encode_attempt(*one) for one in made])
    return folder


def attempts(folder: Path) -> list[Attempt]:
    with Dataset.open(folder) as data:
        return list(data.attempts())


def asking(out: Path, goals: Path, most: int = 6, workers: int = 1) -> CollectJob:
    return CollectJob(
        out,
        attempts=most,
        attempts_per_scene=3,
        workers=workers,
        seed=5,
        goals=str(goals),
        options=OPTIONS,
    )


def pictures(found: Sequence[Attempt]) -> list[bytes]:
    shown = [one.goal.image for one in found]
    return [one.color.tobytes() for one in shown if one is not None]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("held") / "data")


@pytest.fixture(scope="module")
def asked(held: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("asked") / "data"
    collect(asking(out, held))
    return out


def test_only_what_was_held_is_asked_for(held: Path) -> None:
    found = pictures_of(str(held))
    assert found is not None
    assert list(found.attempts) == sorted(a.id for a in attempts(held) if a.outcome.grasped)
    assert 1 < len(found.attempts) < 12
    drawn = found.drawn(7, 40)
    assert set(drawn.attempts) == set(found.attempts)
    assert found.drawn(7, 5).attempts == drawn.attempts[:5]
    assert found.drawn(8, 40) != drawn
    (one,) = GoalPictures(held, drawn.attempts[:1]).goals()
    (stored,) = (a for a in attempts(held) if a.id == drawn.attempts[0])
    assert one.image is not None
    assert stored.present is not None
    np.testing.assert_array_equal(one.image.color, stored.present.color)


def test_the_same_goals_with_two_workers_and_after_an_end(
    held: Path, asked: Path, tmp_path: Path
) -> None:
    whole = pictures(attempts(asked))
    assert len(whole) == 6
    assert len(set(whole)) > 1
    known = [a.present.color for a in attempts(held) if a.present and a.outcome.grasped]
    for one in attempts(asked):
        assert one.goal.image is not None
        # Pictures are compressed again where they are stored again.
        assert min(np.abs(one.goal.image.color - other.astype(float)).mean() for other in known) < 4
    collect(asking(tmp_path / "two", held, most=2))
    collect(asking(tmp_path / "two", held, workers=2))
    assert pictures(attempts(tmp_path / "two")) == whole
    with Dataset.open(asked) as data:
        (session,) = data.sessions.values()
    found = pictures_of(str(held))
    assert found is not None
    assert session.options["goals"] == found.identity


def test_it_is_played_again_from_where_the_pictures_are_now(
    held: Path, asked: Path, tmp_path: Path
) -> None:
    last = attempts(asked)[-1]
    moved = write(tmp_path / "moved")
    done = replay(asked, last.id, goals=str(moved))
    assert done.differences == ()
    assert pictures([done.again]) == pictures([last])
    with pytest.raises(InputError, match=r"as it is now; wanted: the dataset .*see --goals"):
        replay(asked, last.id, goals=str(write(tmp_path / "others", count=40)))


def test_goals_that_cannot_be_say_so(held: Path, tmp_path: Path) -> None:
    job = asking(tmp_path / "out", held)
    with pytest.raises(
        InputError, match=r"goals 'categorys'; wanted: anything, categories, grasped, or"
    ):
        collect(replace(job, goals="categorys"))
    blind = write(tmp_path / "blind", present=False)
    with pytest.raises(InputError, match="wanted: a dataset with present images"):
        collect(replace(job, goals=str(blind)))
    with pytest.raises(InputError, match=r"which is added to; wanted: another dataset"):
        collect(replace(job, out=held))
    with pytest.raises(InputError, match=r"collected with that seed; wanted: another --seed"):
        collect(replace(job, seed=make_session().seed))
    assert not (tmp_path / "out").exists()


def test_what_was_grasped_first_is_asked_for_afterwards() -> None:
    made = [attempt for attempt, _ in make_attempts(12, session=make_session(), present=True)]
    shown = [a.present for a in made if a.outcome.grasped]
    assert 3 <= len(shown) < 12
    grasped = GraspedGoals(7, 3)
    goals = grasped.goals(None)
    asked: list[tuple[Goal, int]] = []
    for attempt in made * 3:
        seen = sum(a.outcome.grasped for a in (made * 3)[: len(asked)])
        asked.append((next(goals), seen))
        grasped.saw(attempt)
    assert all(goal.is_anything == (seen < 3) for goal, seen in asked)
    images = {id(goal.image) for goal, _ in asked if goal.image is not None}
    assert images == {id(view) for view in shown[:3]}
    other = GraspedGoals(7, 3)
    for attempt in made:
        other.saw(attempt)
    again = other.goals(None)
    assert all(next(again).image is goal.image for goal, seen in asked if seen >= 3)


@pytest.fixture(scope="module")
def of_two() -> Iterator[None]:
    """Once two things were held, one of them is asked for."""
    with pytest.MonkeyPatch.context() as changed:
        for module in ("collect", "replay"):
            changed.setattr(f"selfgrasp.rollout.{module}.GOAL_SET", 2)
        yield


def asking_again(out: Path, most: int = 7, workers: int = 1) -> CollectJob:
    return CollectJob(
        out,
        attempts=most,
        policy="heuristic",
        cell="kuka_bin",
        attempts_per_scene=4,
        workers=workers,
        seed=3,
        goals="grasped",
        options=KukaBinConfig(count=4, picture_px=64, depth=True, noise="none"),
    )


@pytest.fixture(scope="module")
def grasped(of_two: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grasped") / "data"
    collect(asking_again(out))
    return out


def test_what_is_asked_for_was_held_before_in_the_same_bin(grasped: Path) -> None:
    found = attempts(grasped)
    asked = [one for one in found if one.goal.image is not None]
    assert len({one.scene for one in asked}) == 2
    for one in found:
        earlier = [
            a.present.color.astype(float)
            for a in found
            if a.scene == one.scene and a.index < one.index and a.outcome.grasped and a.present
        ]
        assert (one.goal.image is not None) == (len(earlier) >= 2)
        if one.goal.image is not None:
            assert min(np.abs(one.goal.image.color - e).mean() for e in earlier[:2]) < 4


def test_goals_from_the_same_bin_are_the_same_with_two_workers(
    grasped: Path, tmp_path: Path
) -> None:
    collect(asking_again(tmp_path / "two", workers=2))
    assert pictures(attempts(tmp_path / "two")) == pictures(attempts(grasped))


def test_goals_from_the_same_bin_are_the_same_after_an_end_and_when_played_again(
    grasped: Path, tmp_path: Path
) -> None:
    collect(asking_again(tmp_path / "again", most=3))
    collect(asking_again(tmp_path / "again"))
    found = attempts(grasped)
    assert pictures(attempts(tmp_path / "again")) == pictures(found)
    asked = [one for one in found if one.goal.image is not None]
    done = replay(grasped, asked[0].id)
    assert done.differences == ()
    assert pictures([done.again]) == pictures(asked[:1])


def test_a_bin_in_which_nothing_can_be_asked_for_again_is_refused(
    of_two: None, tmp_path: Path
) -> None:
    job = asking_again(tmp_path / "out")
    with pytest.raises(InputError, match="--after set_aside; wanted: --after put_back"):
        collect(replace(job, after="set_aside"))
    with pytest.raises(InputError, match="2 attempts per scene; wanted: more than 2"):
        collect(replace(job, attempts_per_scene=2))
    with pytest.raises(InputError, match="the cell tabletop; wanted: a cell that shows"):
        collect(replace(job, cell="tabletop", options=OPTIONS))
