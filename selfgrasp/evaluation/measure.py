"""From a job to what was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from selfgrasp.core import InputError
from selfgrasp.core.bounds import check_bounds
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.protocol import Measurement, Published, nothing_published
from selfgrasp.evaluation.registry import protocol_named
from selfgrasp.evaluation.watch import WatchedScene
from selfgrasp.protocols.embedding_shown import Shown


def measure(
    job: BenchJob,
    *,
    out: Path,
    workers: int = 2,
    published: Published = nothing_published,
    watch: Callable[[WatchedScene], None] | None = None,
    show: Callable[[Shown], None] | None = None,
) -> Measured:
    """Rows, intervals and paired differences of every policy.

    Args:
        job: what to measure.
        out: folder for episodes and datasets, from which an interrupted measurement goes on.
        workers: processes.
        published: what papers say, to stand beside the rows.
        watch: called in this process with attempts of each policy as they come, see
            `evaluation.watch`. Protocols that play nothing call it never.
        show: called with pictures of what `embedding` found.

    Raises:
        InputError: an unknown protocol or policy (the known ones are listed), options that the
            cell or the protocol does not have, or fewer than one trial or worker.
    """
    protocol = protocol_named(job.protocol)
    check_bounds(job)
    protocol.options(job)
    if workers < 1:
        raise InputError(given=f"--workers {workers}", wanted="at least 1")
    policies = protocol.resolve(job.policy)
    return protocol.measure(Measurement(job, policies, out, workers, published, watch, show))
