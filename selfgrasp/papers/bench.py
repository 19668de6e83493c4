"""A benchmark with its pictures: what the page shows is what was measured."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from selfgrasp.common.lock import FolderLock
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.log import EPISODES
from selfgrasp.evaluation.measure import measure
from selfgrasp.evaluation.measured import Measured
from selfgrasp.papers.published import published
from selfgrasp.report.embedding_recorder import EmbeddingRecorder
from selfgrasp.report.story_recorder import StoryRecorder
from selfgrasp.viz.kinds import kind_of_record


def bench(job: BenchJob, *, out: Path, workers: int) -> Measured:
    """Measure, with the papers' figures beside ours, and keep pictures of the first scenes and of
    failures in `out`/pictures.

    Args:
        job: what to measure.
        out: folder of the run, from which an interrupted measurement goes on.
        workers: processes.

    Raises:
        InputError: as `evaluation.measure.measure`, or another process measures in `out`.
    """
    with (
        FolderLock(out, ".benchmark", what="run", doing="measuring", within=(EPISODES, "pictures")),
        StoryRecorder(out / "pictures", source=job.protocol) as recorder,
        EmbeddingRecorder(out / "pictures", source=job.protocol) as embeddings,
    ):
        measured = measure(
            job,
            out=out,
            workers=workers,
            published=published,
            watch=recorder.watch,
            show=embeddings.show,
        )
        for policy, episodes in measured.episodes.items():
            records = (record for episode in episodes for record in episode.attempts)
            recorder.add_outcomes(policy, Counter(map(kind_of_record, records)))
    return measured
