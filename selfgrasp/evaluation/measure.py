"""From a job to what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from selfgrasp.core import InputError, PolicyRef
from selfgrasp.core.bounds import check_bounds
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.protocol import Measurement, Published, nothing_published
from selfgrasp.evaluation.registry import protocol_named
from selfgrasp.evaluation.watch import WatchedScene
from selfgrasp.rollout.policies import load_policy, resolve


def measure(
    job: BenchJob,
    *,
    out: Path,
    workers: int = 2,
    published: Published = nothing_published,
    watch: Callable[[WatchedScene], None] | None = None,
) -> Measured:
    """Rows, intervals and paired differences of every policy.

    Args:
        job: what to measure.
        out: folder for episodes and datasets, from which an interrupted measurement goes on.
        workers: processes.
        published: what papers say, to stand beside the rows.
        watch: called in this process with attempts of each policy as they come, see
            `evaluation.watch`. Protocols that play nothing call it never.

    Raises:
        InputError: an unknown protocol or policy (the known ones are listed), options that the
            cell or the protocol does not have, or fewer than one trial or worker.
    """
    protocol = protocol_named(job.protocol)
    check_bounds(job)
    protocol.options(job)
    if workers < 1:
        raise InputError(given=f"--workers {workers}", wanted="at least 1")
    policies = resolve_all(job.policy)
    return protocol.measure(Measurement(job, policies, out, workers, published, watch))


def resolve_all(texts: Sequence[str]) -> tuple[PolicyRef, ...]:
    """The policies of these names, each loaded once: a broken one is found before others have
    played for an hour.

    Raises:
        InputError: an unknown or broken policy, or two that reports would call the same.
    """
    texts_by_label: dict[str, str] = {}
    policies = []
    for text in texts:
        policy = resolve(text)
        if policy.learned:
            load_policy(policy)
        other = texts_by_label.setdefault(policy.label, text)
        if other != text:
            raise InputError(
                given=f"{other} and {text}, both called {policy.label!r} in reports",
                wanted="run folders of different names",
            )
        policies.append(policy)
    return tuple(policies)
