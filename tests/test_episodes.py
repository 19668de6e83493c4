"""A benchmark that was interrupted goes on, and never with what another policy or other objects
did."""

from pathlib import Path

import pytest

from selfgrasp.common.progress import Progress
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.log import EpisodeLog
from selfgrasp.evaluation.measure import measure
from selfgrasp.evaluation.measured import write_bench
from selfgrasp.protocols.episode import Episode

SEEDS = range(5, 9)


def episode(seed: int) -> Episode:
    return Episode(
        seed,
        1,
        1,
        1,
        0,
        0,
        True,
        2.0,
        0.5,
        held=("mug",),
        outcomes=(True,),
        asked=("pen",),
        lifted=(("pen", "toy"),),
    )


def test_what_was_played_is_kept_in_order_and_a_line_that_was_cut_off_is_played_again(
    tmp_path: Path,
) -> None:
    with EpisodeLog(tmp_path, {"policy": "a"}, SEEDS) as log:
        assert (log.kept, list(log.missing)) == ([], [5, 6, 7, 8])
        log.add(episode(5))
        log.add(episode(6))
    path = next(tmp_path.rglob("*.jsonl"))
    path.write_text(path.read_text()[:-20])
    again = EpisodeLog(tmp_path, {"policy": "a"}, SEEDS)
    assert (again.kept, list(again.missing)) == ([episode(5)], [6, 7, 8])
    with again:
        again.add(episode(6))
    assert EpisodeLog(tmp_path, {"policy": "a"}, SEEDS).kept == [episode(5), episode(6)]
    assert EpisodeLog(tmp_path, {"policy": "b"}, SEEDS).kept == []
    assert EpisodeLog(tmp_path, {"policy": "a"}, range(6, 9)).kept == [episode(6)]


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
    assert [(e.seed, e.outcomes, e.held) for e in again.episodes["random"]] == [
        (e.seed, e.outcomes, e.held) for e in whole.episodes["random"]
    ]
    assert list(out.rglob("*.jsonl"))
    write_bench(out, job, [again])
    assert not list(out.rglob("*.jsonl"))
