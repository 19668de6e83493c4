"""A benchmark that is watched: which attempts are handed over, and that watching changes no
figure."""

from pathlib import Path

import pytest

from selfgrasp.common.progress import Progress
from selfgrasp.evaluation import played
from selfgrasp.evaluation.job import BenchJob, first_scene
from selfgrasp.evaluation.log import EpisodeLog
from selfgrasp.evaluation.measure import measure
from selfgrasp.evaluation.watch import Seen, WatchedScene

JOB = BenchJob("isolated", ("random",), trials=8)


def test_the_first_scenes_come_whole_and_of_the_others_the_failures(tmp_path: Path) -> None:
    seen: list[WatchedScene] = []
    watched = measure(JOB, out=tmp_path / "watched", workers=2, watch=seen.append)
    plain = measure(JOB, out=tmp_path / "plain", workers=1)
    episodes = {e.task.seed: e for e in watched.episodes["random"]}
    assert [e.outcomes for e in plain.episodes["random"]] == [e.outcomes for e in episodes.values()]
    first = first_scene("novel", 0)
    whole = [scene for scene in seen if scene.seen is Seen.ALL]
    assert [(scene.policy, scene.scene) for scene in whole] == [
        ("random", first + index) for index in range(played.WATCHED)
    ]
    for scene in whole:
        outcomes = tuple(one.attempt.outcome.grasped for one in scene.played)
        assert outcomes == episodes[scene.scene].outcomes
        assert all(one.plans and one.labels for one in scene.played)
        assert scene.played[0].attempt.before is not None
        assert scene.spec.name == "tabletop"
    failed = [seed for seed, e in episodes.items() if not all(e.outcomes)][:]
    failures = [scene for scene in seen if scene.seen is Seen.FAILURE]
    assert [scene.scene for scene in failures] == [s for s in failed if s >= first + played.WATCHED]
    assert not any(one.attempt.outcome.grasped for scene in failures for one in scene.played)


def test_after_an_interruption_the_first_scenes_are_played_again_to_be_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = Progress.update

    def stop(self: Progress, done: int, note: str = "") -> None:
        if done == 2:
            raise KeyboardInterrupt
        update(self, done, note)

    seen: list[WatchedScene] = []
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "update", stop)
        with pytest.raises(KeyboardInterrupt):
            measure(JOB, out=tmp_path, workers=1, watch=seen.append)
    before, kept = [scene.scene for scene in seen], []
    seen.clear()
    add = EpisodeLog.add
    monkeypatch.setattr(
        EpisodeLog, "add", lambda log, episode: (kept.append(episode.task.seed), add(log, episode))
    )
    again = measure(JOB, out=tmp_path, workers=1, watch=seen.append)
    first = first_scene("novel", 0)
    assert before == [first, first + 1]
    assert [scene.scene for scene in seen][:3] == [first, first + 1, first + 2]
    assert kept == [first + index for index in range(2, 8)]
    assert [e.task.seed for e in again.episodes["random"]] == [first + index for index in range(8)]


def test_failures_are_handed_over_up_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(played, "FAILURES", 1)
    monkeypatch.setattr(played, "WATCHED", 0)
    seen: list[WatchedScene] = []
    found = measure(JOB, out=tmp_path, workers=1, watch=seen.append)
    failed = [e.task.seed for e in found.episodes["random"] if not all(e.outcomes)]
    assert len(failed) > 1
    assert [(scene.scene, scene.seen) for scene in seen] == [(failed[0], Seen.FAILURE)]
