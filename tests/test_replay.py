"""Playing an attempt again: the same, bit for bit, with a film; and clear words where that cannot
be."""

from pathlib import Path

import pytest
from helpers_attempts import make_attempts, make_session
from PIL import Image

from selfgrasp.codec import encode_attempt
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.replay import replay
from selfgrasp.verbs.replay import Args, run
from selfgrasp.workcell.cells.tabletop import TabletopConfig

SMALL = TabletopConfig(count=3, picture_px=64)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay") / "data"
    collect(
        CollectJob(
            folder,
            attempts=6,
            policy="heuristic",
            workers=1,
            attempts_per_scene=4,
            angles_per_point=2,
            options=SMALL,
        )
    )
    return folder


def ids_of(folder: Path) -> list[str]:
    with Dataset.open(folder) as data:
        return list(data.ids())


def test_an_attempt_ends_as_it_did_and_is_filmed(
    collected: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(Args(collected, ids_of(collected)[3], out=tmp_path)) == 0
    assert "the same as stored, bit for bit" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "after.png",
        "attempt.webp",
        "before.png",
    ]
    with Image.open(tmp_path / "attempt.webp") as film:
        assert film.n_frames > 10
        assert film.size == (640, 480)


def test_another_outcome_is_told(collected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def with_other_seed(folder: Path) -> Dataset:
        data = Dataset_open(folder)
        (key, session), *_ = data.sessions.items()
        object.__setattr__(session, "seed", 99)
        object.__setattr__(session, "versions", {"mujoco": "0.1"})
        data._meta.sessions[key] = session
        return data

    Dataset_open = Dataset.open
    monkeypatch.setattr(Dataset, "open", staticmethod(with_other_seed))
    done = replay(collected, ids_of(collected)[0])
    assert any(line.startswith("action of step 0") for line in done.differences)
    assert any("the attempt was made with 0.1" in line for line in done.versions)


def test_an_unknown_id_says_what_exists(collected: Path):
    with pytest.raises(
        InputError, match=r"attempt 'abc'.*exists: 6 attempts, such as \w+-000000-000"
    ):
        replay(collected, "abc")


def test_a_cell_that_is_not_simulated_is_refused(tmp_path: Path):
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append(
            [encode_attempt(attempt, labels) for attempt, labels in make_attempts(2, size=16)]
        )
    with pytest.raises(
        InputError,
        match=r"cell 'test_table'; wanted: one in a simulated cell; exists: flat_table, kuka_bin",
    ):
        replay(tmp_path, ids_of(tmp_path)[0])


def test_objects_that_a_session_calls_a_folder_are_found_by_their_hash(tmp_path: Path):
    collect(CollectJob(tmp_path / "data", attempts=1, objects="mixed", workers=1, options=SMALL))
    assert run(Args(tmp_path / "data", ids_of(tmp_path / "data")[0], out=tmp_path / "film")) == 0


def test_other_objects_or_weights_are_refused(collected: Path):
    wanted = ids_of(collected)[0]
    with pytest.raises(
        InputError,
        match=r"objects test as they are now.*those of the collection, train:[0-9a-f]{12}",
    ):
        replay(collected, wanted, objects="test")
