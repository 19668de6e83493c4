"""Protocols that are played in a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial

from selfgrasp.common.intervals import paired
from selfgrasp.common.parts import Pair
from selfgrasp.common.progress import Progress
from selfgrasp.core import InputError, PolicyRef
from selfgrasp.evaluation.job import first_scene
from selfgrasp.evaluation.log import EpisodeLog
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.protocol import Measurement, Protocol
from selfgrasp.evaluation.watch import (
    FAILURES,
    WATCHED,
    Play,
    Result,
    Seen,
    WatchedScene,
    WatchedTask,
)
from selfgrasp.objects.catalogue import catalogue_hash
from selfgrasp.objects.named import objects_named
from selfgrasp.objects.sets import set_label
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.cases import settled_cases
from selfgrasp.workcell.cells.registry import cell_spec
from selfgrasp.workcell.cells.simulated import cell_files
from selfgrasp.workcell.play import Episode, Task


def played(protocol: PlayedProtocol) -> Protocol:
    """The protocol that plays these scenes with every policy."""
    return Protocol(
        protocol.name,
        protocol.cell,
        protocol.config,
        partial(measure_played, protocol),
        protocol.arranged,
    )


def measure_played(protocol: PlayedProtocol, measurement: Measurement) -> Measured:
    """Rows, intervals and paired differences of a protocol that is played in a cell.

    Raises:
        InputError: objects that the protocol is not for, or an arrangement that does not settle.
    """
    job, policies = measurement.job, measurement.policies
    objects = job.objects or protocol.objects
    known = {*protocol.sets, *protocol.sets.values()}
    if known and objects not in known:
        raise InputError(
            given=f"--objects {objects}",
            wanted=f"a set of objects that `{protocol.name}` is for",
            exists=", ".join(sorted(known)),
        )
    objects = protocol.sets.get(objects, objects)
    label, kind = set_label(objects), played(protocol)
    cases = settled_cases(kind.cell_name(job), kind.options(job))
    trials = job.trials or protocol.trials * max(1, len(cases))
    episodes = {
        policy.label: tuple(_episodes(measurement, protocol, policy, objects, trials))
        for policy in policies
    }
    return Measured(
        kind.cell_name(job),
        kind.options(job).noise,
        tuple(
            measurement.row(estimate, policy, label, metric)
            for policy in policies
            for metric, estimate in protocol.metrics(episodes[policy.label]).items()
        ),
        tuple(pairs(protocol, episodes, label)),
        episodes,
        tuple(protocol.table(name, of_one) for name, of_one in episodes.items())
        if protocol.table
        else (),
    )


def _episodes(
    measurement: Measurement,
    protocol: PlayedProtocol,
    policy: PolicyRef,
    objects: str,
    trials: int,
) -> Iterator[Episode]:
    job, kind = measurement.job, played(protocol)
    options, cell = kind.options(job), kind.cell_name(job)
    cell_spec(cell, options)
    config = WorkerConfig(cell, options, objects, policy)
    first = first_scene(objects, job.seed)
    of = {
        "protocol": protocol.name,
        "policy": policy.identity,
        "config": {**asdict(config), "policy": ""},
        "objects": catalogue_hash(objects_named(objects)),
        **cell_files(cell, options),
    }
    handed = _Handed(measurement, policy)
    tasks = [Task(seed) for seed in range(first, first + trials)]
    with EpisodeLog(measurement.out, of, tasks) as log:
        kept = len(log.kept)
        again = tasks[: min(kept, WATCHED)] if measurement.watch else []
        yield from log.kept
        with Progress(
            f"{protocol.name} {policy.label}", trials, unit="scenes", done=kept
        ) as progress:
            watched = (
                WatchedTask(task, handed.wanted(task.seed - first))
                for task in (*again, *log.missing)
            )
            # Closed here: Ctrl-C while it ends would be lost in its finalizer.
            with closing(
                play_all(Play(protocol.play), watched, config, workers=measurement.workers)
            ) as results:
                for result in results:
                    handed.add(result)
                    if result.task.task in again:
                        continue
                    log.add(result.episode)
                    kept += 1
                    progress.update(kept)
                    yield result.episode


class _Handed:
    """Hands attempts of one policy to who watches."""

    def __init__(self, measurement: Measurement, policy: PolicyRef) -> None:
        self._watch, self._label = measurement.watch, policy.label
        self._failures = 0

    def wanted(self, index: int) -> Seen:
        """What shall come back of the scene at this place in the benchmark's order."""
        if self._watch is None:
            return Seen.NOTHING
        if index < WATCHED:
            return Seen.ALL
        return Seen.FAILURE if self._failures < FAILURES else Seen.NOTHING

    def add(self, result: Result) -> None:
        """Hand over what came back, up to `FAILURES` failures."""
        if self._watch is None or not result.played:
            return
        if result.task.seen is Seen.FAILURE:
            if self._failures == FAILURES:
                return
            self._failures += 1
        self._watch(
            WatchedScene(
                self._label,
                result.task.task.seed,
                result.spec,
                result.played,
                result.task.seen,
                result.episode.lost,
            )
        )


def pairs(
    protocol: PlayedProtocol, episodes: Mapping[str, Sequence[Episode]], objects: str
) -> Iterator[Pair]:
    """Paired per-scene differences for every two policies: by how much the later one is better."""
    policies = list(episodes)
    for j, b in enumerate(policies):
        for a in policies[j + 1 :]:
            values = [[protocol.per_scene(e) for e in episodes[p]] for p in (a, b)]
            gain = (
                paired(values[0], values[1])
                if protocol.paired_metric.higher_is_better
                else paired(values[1], values[0])
            )
            yield Pair(
                a=a,
                b=b,
                objects=objects,
                metric=protocol.paired_metric.name,
                difference=gain.value,
                low=gain.low,
                high=gain.high,
                n=gain.n,
            )
