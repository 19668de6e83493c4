"""`selfgrasp bench`: measure any policy by a protocol, on the same scenes for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from selfgrasp.runs.command import at_least
from selfgrasp.workcell.cells import CellConfig

if TYPE_CHECKING:
    from selfgrasp.protocols.episode import Episode, PlayedProtocol, Row

OBJECT_ROWS = {
    "train": "seen",
    "test": "novel",
    "mixed": "mixed",
    "validation": "validation",
    "categories": "seen",
    "categories-test": "novel",
    "categories-validation": "validation",
}
FIRST_SCENE = 1_000_000
"""Seeds of the benchmark's scenes start here; validation scenes at `VALIDATION_SCENE`. Collections
draw theirs by hashing."""
VALIDATION_SCENE = 500_000


@dataclass(frozen=True)
class Args:
    """Measure any policy by a protocol. Every policy meets the same scenes: same objects, drops and
    noise.

    Run the same command again to go on after an interruption; once done, it measures anew.

    Attributes:
        protocol: prediction, isolated, clear, deplete or category.
        policy: one or more: random, random_servo, heuristic, oracle, a method's name, a run folder
            or a checkpoint; +VARIANT after it, as hand_eye+open, is one of its variants.
        out: folder for report.json and report.html.
        objects: seen, novel, validation, mixed (half of the first two each), or a folder of meshes;
            of these `category` has the first three. The default is the protocol's.
        trials: scenes a policy (prediction: attempts); the default is the protocol's full number.
        data: prediction only: a folder for its datasets of tried actions on held-out objects, which
            are collected where they are not there; by default below out.
        seed: shifts the benchmark's scenes.
        workers: processes.
        cell: tabletop or kuka_bin; the default is the protocol's.
        options: of the cell; the number of objects is the protocol's, the pictures' size where none
            is given, and whether there is depth and registration in `kuka_bin`.
    """

    protocol: Annotated[str, tyro.conf.Positional]
    policy: tuple[str, ...]
    out: Path
    objects: str | None = None
    trials: int | None = None
    data: Path | None = None
    seed: int = 0
    workers: int = 2
    cell: str | None = None
    options: CellConfig = field(default_factory=CellConfig)


def cell_name(args: Args) -> str:
    """The cell that was asked for, or the protocol's."""
    from selfgrasp.protocols import PLAYED

    if args.cell is not None:
        return args.cell
    return PLAYED[args.protocol].cell if args.protocol in PLAYED else "tabletop"


@dataclass(frozen=True, eq=False)
class Measured:
    """A protocol's rows and, for played protocols, the episodes by policy."""

    rows: tuple[Row, ...]
    paired: tuple[dict[str, Any], ...] = ()
    episodes: Mapping[str, tuple[Episode, ...]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def run(args: Args) -> int:
    """Measure, write the report, print the rows."""
    from selfgrasp.runs.record import write_bench
    from selfgrasp.runs.report import write_report

    measured = measure(args)
    args.out.mkdir(parents=True, exist_ok=True)
    write_bench(args.out, args, [measured])
    page = write_report([args.out])
    print(as_text(measured))
    print(f"report: {page}")
    return 0


def measure(args: Args) -> Measured:
    """Rows, intervals and paired differences of every policy.

    Raises:
        InputError: an unknown protocol or policy (the known ones are listed), or fewer than one
            trial.
    """
    from selfgrasp.core import unknown_name
    from selfgrasp.protocols import PLAYED

    at_least(args, trials=1, workers=1)
    check_labels(args.policy)
    if args.protocol == "prediction":
        from selfgrasp.runs.predict import measure_prediction

        return measure_prediction(args)
    if args.protocol not in PLAYED:
        raise unknown_name("protocol", args.protocol, [*PLAYED, "prediction"])
    return _measure_played(args, PLAYED[args.protocol])


def check_labels(policies: Sequence[str]) -> None:
    """Policies that reports would call the same can't be told apart there.

    Raises:
        InputError: two of them.
    """
    from selfgrasp.core import InputError

    named: dict[str, str] = {}
    for policy in policies:
        other = named.setdefault(policy_label(policy), policy)
        if other != policy:
            raise InputError(
                given=f"{other} and {policy}, both called {policy_label(policy)!r} in reports",
                wanted="run folders of different names",
            )


def _measure_played(args: Args, protocol: PlayedProtocol) -> Measured:
    from selfgrasp.core import InputError
    from selfgrasp.protocols.episode import Row
    from selfgrasp.runs.policies import privileged_of

    objects = args.objects or protocol.objects
    known = {*protocol.sets, *protocol.sets.values()}
    if known and objects not in known:
        raise InputError(
            given=f"--objects {objects}",
            wanted=f"objects of categories, for {protocol.name}",
            exists=", ".join(sorted(known)),
        )
    objects = protocol.sets.get(objects, objects)
    # Who cannot be loaded is found out before others have played for an hour.
    privileged = {policy: privileged_of(policy) for policy in args.policy}
    episodes = {policy: tuple(_episodes(args, protocol, policy, objects)) for policy in args.policy}
    label = row_label(objects)
    rows = [
        Row.of(
            estimate,
            policy=policy_label(policy),
            objects=label,
            metric=metric,
            paper=_paper(protocol, metric, label, policy),
            privileged=privileged[policy],
        )
        for policy, played in episodes.items()
        for metric, estimate in protocol.metrics(played).items()
    ]
    extra = (
        {"tables": [protocol.table(policy_label(p), played) for p, played in episodes.items()]}
        if protocol.table
        else {}
    )
    return Measured(tuple(rows), tuple(pairs(protocol, episodes, label)), episodes, extra)


def _episodes(args: Args, protocol: PlayedProtocol, policy: str, objects: str) -> Iterator[Episode]:
    from selfgrasp.runs.episodes import EpisodeLog
    from selfgrasp.runs.policies import identity_of
    from selfgrasp.runs.pool import WorkerConfig, objects_named, play_all
    from selfgrasp.runs.progress import Progress
    from selfgrasp.workcell.cells import cell_spec
    from selfgrasp.workcell.sim.objects.catalogue import catalogue_hash

    trials = args.trials or protocol.trials
    own = protocol.config
    options = replace(
        args.options,
        count=own.count,
        picture_px=own.picture_px
        if args.options.picture_px == CellConfig.picture_px
        else args.options.picture_px,
        depth=args.options.depth or own.depth,
        registered=args.options.registered and own.registered,
        mixture=own.mixture,
    )
    cell_spec(cell_name(args), options)
    config = WorkerConfig(cell_name(args), options, objects, policy)
    first = first_scene(objects, args.seed)
    of = {
        "protocol": protocol.name,
        "policy": identity_of(policy),
        "config": asdict(replace(config, policy="")),
        "objects": catalogue_hash(objects_named(objects)),
    }
    with EpisodeLog(args.out, of, range(first, first + trials)) as log:
        kept = len(log.kept)
        yield from log.kept
        with Progress(
            f"{protocol.name} {Path(policy).name}", trials, unit="scenes", done=kept
        ) as progress:
            for done, episode in enumerate(
                play_all(protocol.play, log.missing, config, workers=args.workers), start=kept + 1
            ):
                log.add(episode)
                progress.update(done)
                yield episode


def pairs(
    protocol: PlayedProtocol, episodes: Mapping[str, Sequence[Episode]], objects: str
) -> Iterator[dict[str, Any]]:
    """For every two policies, by how much the one that comes later is better than the other, scene
    by scene."""
    from selfgrasp.core.intervals import paired

    policies = list(episodes)
    for j, b in enumerate(policies):
        for a in policies[j + 1 :]:
            values = [[protocol.per_scene(e) for e in episodes[p]] for p in (a, b)]
            gain = (
                paired(values[1], values[0])
                if protocol.less_is_better
                else paired(values[0], values[1])
            )
            figures = {"difference": gain.value, "low": gain.low, "high": gain.high, "n": gain.n}
            yield {
                "a": policy_label(a),
                "b": policy_label(b),
                "objects": objects,
                "metric": protocol.paired_metric,
                **figures,
            }


def first_scene(objects: str, seed: int) -> int:
    """The first of the benchmark's scenes with that set of objects; they count up from it."""
    return (VALIDATION_SCENE if row_label(objects) == "validation" else FIRST_SCENE) + 10_000 * seed


def policy_label(name: str) -> str:
    """How reports call a policy: a baseline and what is shipped by its name, a run by its method
    and its folder."""
    from selfgrasp.learn import read_info
    from selfgrasp.runs.policies import checkpoint_of, shipped, variant_suffix

    path = checkpoint_of(name)
    if path is None or name.removesuffix(variant_suffix(name)) in shipped():
        return name
    path = path.absolute()
    folder = (
        path.parents[1]
        if path.parent.name == "checkpoints"
        else path.parent
        if path.stem == "best"
        else path
    )
    return f"{read_info(path).method} ({folder.name}{variant_suffix(name)})"


def row_label(objects: str) -> str:
    """How reports call a set of objects: seen, novel, mixed, or a folder's name."""
    return OBJECT_ROWS.get(
        objects, objects if objects in OBJECT_ROWS.values() else Path(objects).name
    )


def _paper(protocol: PlayedProtocol, metric: str, label: str, policy: str) -> float | None:
    from selfgrasp.learn import read_info
    from selfgrasp.runs.policies import checkpoint_of, variant_suffix

    path = checkpoint_of(policy)
    if path is None or read_info(path).method != protocol.paper_of:
        return None
    named = protocol.paper.get(f"{metric}{variant_suffix(policy)}", protocol.paper.get(metric))
    return protocol.paper.get(label) if named is None and metric == "success" else named


def as_text(measured: Measured) -> str:
    """The rows and paired differences as lines."""
    lines = [
        f"{r.policy:<24} {r.objects:<8} {r.metric:<16} {r.value:8.3f}  [{r.low:.3f}, "
        f"{r.high:.3f}]  n={r.n}"
        for r in measured.rows
    ]
    lines += [
        f"{p['a']} over {p['b']}: {p['metric']} better by {p['difference']:.2f} "
        f"[{p['low']:.2f}, {p['high']:.2f}], {p['n']} scenes"
        for p in measured.paired
    ]
    return "\n".join(lines)


def row_json(row: Row) -> dict[str, Any]:
    """A row as it stands in report.json."""
    return {**asdict(row), "privileged": list(row.privileged)}
