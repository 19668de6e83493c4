"""A benchmark that was interrupted goes on, and never with what another policy or other objects
did."""

import json
from dataclasses import replace
from pathlib import Path

import helpers_play
import pytest
from helpers_play import record

from selfgrasp.common.progress import Progress
from selfgrasp.core import Fault
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.log import EpisodeLog
from selfgrasp.evaluation.measure import measure
from selfgrasp.evaluation.measured import write_bench
from selfgrasp.workcell.play import Episode, Task

TASKS = [Task(seed) for seed in range(5, 9)]


def episode(seed: int) -> Episode:
    return helpers_play.episode(
        [
            record(True, lifted=("pen", "toy"), goal="pen", changed=0.25),
            record(False, fault=Fault.SLIPPED, lost=1),
        ],
        left=2,
        seed=seed,
        replaced=[record(True)],
    )


def test_what_was_played_is_kept_in_order_and_a_line_that_was_cut_off_is_played_again(
    tmp_path: Path,
) -> None:
    with EpisodeLog(tmp_path, {"policy": "a"}, TASKS) as log:
        assert (log.kept, log.missing) == ([], TASKS)
        log.add(episode(5))
        log.add(episode(6))
    path = next(tmp_path.rglob("*.jsonl"))
    path.write_text(path.read_text()[:-20])
    again = EpisodeLog(tmp_path, {"policy": "a"}, TASKS)
    assert (again.kept, again.missing) == ([episode(5)], TASKS[1:])
    with again:
        again.add(episode(6))
    assert EpisodeLog(tmp_path, {"policy": "a"}, TASKS).kept == [episode(5), episode(6)]
    assert EpisodeLog(tmp_path, {"policy": "b"}, TASKS).kept == []
    assert EpisodeLog(tmp_path, {"policy": "a"}, TASKS[1:]).kept == [episode(6)]


def test_an_interrupted_benchmark_gives_what_an_undisturbed_one_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, out = BenchJob("isolated", ("random",), trials=3), tmp_path / "stopped"
    whole = measure(job, out=tmp_path / "whole", workers=1)
    update, shown = Progress.update, []

    def stop(self: Progress, done: int, note: str = "") -> None:
        shown.append(done)
        if done == 2:
            raise KeyboardInterrupt
        update(self, done, note)

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "update", stop)
        with pytest.raises(KeyboardInterrupt):
            measure(job, out=out, workers=1)
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "update", lambda self, done, note="": shown.append(done))
        again = measure(job, out=out, workers=1)
    assert shown == [1, 2, 3]
    assert [replace(e, plan_seconds=0.0) for e in again.episodes["random"]] == [
        replace(e, plan_seconds=0.0) for e in whole.episodes["random"]
    ]
    assert list(out.rglob("*.jsonl"))
    write_bench(out, job, [again])
    assert not list(out.rglob("*.jsonl"))


def test_an_episode_survives_json_and_one_of_version_0_1_is_read() -> None:
    for made in (episode(5), helpers_play.without_truth([True, False])):
        assert Episode.from_json(json.loads(json.dumps(made.to_json()))) == made
    old = {
        "seed": 3,
        "attempts": 2,
        "judged": 1,
        "true": 1,
        "doubles": 0,
        "disagreements": 0,
        "cleared": False,
        "seconds": 9.0,
        "plan_seconds": 1.0,
        "held": ["mug"],
        "outcomes": [True, False],
        "replaced": [],
        "asked": ["pen", "toy"],
        "lifted": [["pen"], []],
    }
    read = Episode.from_json(old)
    assert (read.task, read.outcomes, read.true, read.cleared) == (Task(3), (True, False), 1, False)
    assert [one.goal for one in read.attempts] == ["pen", "toy"]
    commanded_nothing = Episode.from_json({**old, "asked": [], "lifted": [], "cleared": True})
    assert (commanded_nothing.true, commanded_nothing.cleared) == (None, True)
