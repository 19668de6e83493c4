"""Measures protocols that are played in a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from selfgrasp.common.intervals import paired
from selfgrasp.common.parts import Pair
from selfgrasp.common.progress import Progress
from selfgrasp.core import InputError, PolicyRef
from selfgrasp.evaluation.job import BenchJob, first_scene, row_label
from selfgrasp.evaluation.log import EpisodeLog
from selfgrasp.evaluation.measured import Measured, cell_name, cell_options
from selfgrasp.objects.catalogue import catalogue_hash
from selfgrasp.objects.named import objects_named
from selfgrasp.protocols.episode import Row
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.registry import cell_spec

if TYPE_CHECKING:
    from selfgrasp.protocols.episode import Episode, PlayedProtocol


def measure_played(
    args: BenchJob, protocol: PlayedProtocol, policies: Sequence[PolicyRef]
) -> Measured:
    """Rows, intervals and paired differences of a protocol that is played in a cell."""

    objects = args.objects or protocol.objects
    known = {*protocol.sets, *protocol.sets.values()}
    if known and objects not in known:
        raise InputError(
            given=f"--objects {objects}",
            wanted=f"objects of categories, for {protocol.name}",
            exists=", ".join(sorted(known)),
        )
    objects = protocol.sets.get(objects, objects)
    episodes = {
        policy.label: tuple(_episodes(args, protocol, policy, objects)) for policy in policies
    }
    label = row_label(objects)
    rows = [
        Row.of(
            estimate,
            policy=policy.label,
            objects=label,
            metric=metric.name,
            paper=_paper(protocol, metric.name, label, policy),
            privileged=policy.privileged,
        )
        for policy in policies
        for metric, estimate in protocol.metrics(episodes[policy.label]).items()
    ]
    extra = (
        {"tables": [protocol.table(name, played) for name, played in episodes.items()]}
        if protocol.table
        else {}
    )
    return Measured(tuple(rows), tuple(pairs(protocol, episodes, label)), episodes, extra)


def _episodes(
    args: BenchJob, protocol: PlayedProtocol, policy: PolicyRef, objects: str
) -> Iterator[Episode]:

    trials = args.trials or protocol.trials
    options = cell_options(args)
    cell_spec(cell_name(args), options)
    config = WorkerConfig(cell_name(args), options, objects, policy)
    first = first_scene(objects, args.seed)
    of = {
        "protocol": protocol.name,
        "policy": policy.identity,
        "config": {**asdict(config), "policy": ""},
        "objects": catalogue_hash(objects_named(objects)),
    }
    with EpisodeLog(args.out, of, range(first, first + trials)) as log:
        kept = len(log.kept)
        yield from log.kept
        with Progress(
            f"{protocol.name} {policy.label}", trials, unit="scenes", done=kept
        ) as progress:
            for done, episode in enumerate(
                play_all(protocol.play, log.missing, config, workers=args.workers), start=kept + 1
            ):
                log.add(episode)
                progress.update(done)
                yield episode


def pairs(
    protocol: PlayedProtocol, episodes: Mapping[str, Sequence[Episode]], objects: str
) -> Iterator[Pair]:
    """For every two policies, by how much the one that comes later is better than the other, scene
    by scene."""

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


def _paper(protocol: PlayedProtocol, metric: str, label: str, policy: PolicyRef) -> float | None:

    if not policy.learned or policy.name != protocol.paper_of:
        return None
    named = protocol.paper.get(f"{metric}{policy.suffix}", protocol.paper.get(metric))
    return protocol.paper.get(label) if named is None and metric == "success" else named
