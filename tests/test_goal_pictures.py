"""Attempts that are asked for the thing in a picture of another dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_attempts, make_session

from selfgrasp.codec import encode_attempt
from selfgrasp.core import Attempt, InputError
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.goals import GoalPictures, pictures_of
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.replay import replay
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
    with pytest.raises(InputError, match=r"goals 'categorys'; wanted: anything, categories, or"):
        collect(replace(job, goals="categorys"))
    blind = write(tmp_path / "blind", present=False)
    with pytest.raises(InputError, match="wanted: a dataset with present images"):
        collect(replace(job, goals=str(blind)))
    with pytest.raises(InputError, match=r"which is added to; wanted: another dataset"):
        collect(replace(job, out=held))
    with pytest.raises(InputError, match=r"collected with that seed; wanted: another --seed"):
        collect(replace(job, seed=make_session().seed))
    assert not (tmp_path / "out").exists()
