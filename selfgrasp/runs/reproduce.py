"""`selfgrasp reproduce`: collect, train, measure; the paper's figures beside ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

if TYPE_CHECKING:
    from selfgrasp.runs import bench


@dataclass(frozen=True)
class Args:
    """Collect, train and measure one of the systems from nothing, and put the paper's figures beside ours.

    Every stage skips what is done already: run the same command again to go on after an interruption. Parts of the paper that are not in it yet are named.

    Attributes:
        system: which one, for example supersizing.
        out: folder of everything.
        preset: small trains on two cores in minutes; paper has the paper's network and sizes, and wants a GPU.
        attempts: to learn from; small 6000, paper 50000.
        trials: scenes a policy of `isolated`; a fifth as many of `clear`, forty times as many attempts for `prediction`. The default of small is 100, and
            of paper each protocol's full number.
        epochs: passes over the data; the default is the method's.
        policies: what the learned policy is compared with.
        workers: processes.
        seed: of scenes, choices and training.
        device: to train on: auto, cpu, cuda.
        quick: tiny sizes, to see that everything runs; its figures mean nothing.
    """

    system: Positional[str]
    out: Path
    preset: Literal["small", "paper"] = "small"
    attempts: int | None = None
    trials: int | None = None
    epochs: int | None = None
    policies: tuple[str, ...] = ("random", "heuristic")
    workers: int = 2
    seed: int = 0
    device: str = "auto"
    quick: bool = False


@dataclass(frozen=True)
class Stage:
    """One step of a reproduction: its name, and what does it or finds it done, and says in a line what came of it."""

    name: str
    run: Callable[[Args], str]


@dataclass(frozen=True)
class Reproduction:
    """How a paper is done again.

    Attributes:
        paper: what is reproduced.
        stages: in order.
        missing: parts of the paper that are not in it yet.
    """

    paper: str
    stages: tuple[Stage, ...]
    missing: tuple[str, ...]


def run(args: Args) -> int:
    """All stages, the table, and what is missing."""
    reproduction = reproduction_of(args.system)
    args = sized(args)
    print(f"{args.system}:{args.preset}, after {reproduction.paper}")
    for number, stage in enumerate(reproduction.stages, start=1):
        print(f"[{number}/{len(reproduction.stages)}] {stage.name}", flush=True)
        print(f"    {stage.run(args)}", flush=True)
    print(as_text(_rows(args)))
    print("not in it yet:")
    for part in reproduction.missing:
        print(f"  {part}")
    return 0


def reproduction_of(system: str) -> Reproduction:
    """The reproduction of that name.

    Raises:
        InputError: no such system; the message lists the known ones.
    """
    from selfgrasp.core import unknown_name

    if system not in REPRODUCTIONS:
        raise unknown_name("system", system, REPRODUCTIONS)
    return REPRODUCTIONS[system]


def sized(args: Args) -> Args:
    """`args` with the preset's sizes where none were given."""
    attempts, trials, epochs = (96, 2, 1) if args.quick else (6000, 100, None) if args.preset == "small" else (50_000, None, None)
    return replace(
        args,
        attempts=attempts if args.attempts is None else args.attempts,
        trials=trials if args.trials is None else args.trials,
        epochs=epochs if args.epochs is None else args.epochs,
    )


def as_text(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table, the paper's figure last."""
    lines = [f"{'metric':<16} {'objects':<8} {'policy':<24} {'ours':>8}  {'95 % interval':<18} {'n':>6}  paper"]
    for row in rows:
        paper = "" if row["paper"] is None else f"{row['paper']:.3g}"
        interval = f"[{row['low']:.3f}, {row['high']:.3f}]"
        lines.append(f"{row['metric']:<16} {row['objects']:<8} {row['policy']:<24} {row['value']:8.3f}  {interval:<18} {row['n']:>6}  {paper}".rstrip())
    return "\n".join(lines)


def _collect(args: Args) -> str:
    from selfgrasp.runs import collect

    assert args.attempts is not None
    scene = 4 if args.quick else collect.Args.attempts_per_scene
    wanted = collect.Args(out=args.out / "data", attempts=args.attempts, workers=args.workers, seed=args.seed, attempts_per_scene=scene)
    done = collect.collect(wanted)
    return f"{done.attempts} random attempts on the training objects, {done.new} of them new"


def _train(args: Args) -> str:
    from selfgrasp.runs import train

    method = f"{args.system}:{args.preset}"
    done = train.train(train.Args(method, args.out / "data", args.out / args.system, epochs=args.epochs, seed=args.seed, device=args.device))
    return f"{done.best}: {done.steps} steps, {done.seconds:.0f} s; validation: {', '.join(f'{name} {value:.3f}' for name, value in done.metrics.items())}"


def _bench(protocol: str, objects: str | None = None) -> Stage:
    name = f"bench {protocol}" + (f" {objects}" if objects else "")
    return Stage(name, lambda args: _measured(_bench_args(args, protocol, objects)))


def _bench_args(args: Args, protocol: str, objects: str | None) -> bench.Args:
    from selfgrasp.runs import bench

    share = {"isolated": 1.0, "clear": 0.2, "prediction": 40.0}[protocol]
    return bench.Args(
        protocol=protocol,
        policy=(*args.policies, str(args.out / args.system)),
        out=args.out / "-".join(filter(None, ("bench", protocol, objects))),
        objects=objects,
        trials=None if args.trials is None else max(1, round(share * args.trials)),
        seed=args.seed,
        workers=args.workers,
    )


def _measured(args: bench.Args) -> str:
    from selfgrasp.runs import bench
    from selfgrasp.runs.policies import checkpoint_of
    from selfgrasp.runs.record import plain, write_bench

    report, weights = args.out / "report.json", checkpoint_of(args.policy[-1])
    fresh = report.exists() and weights is not None and report.stat().st_mtime > weights.stat().st_mtime
    if fresh and json.loads((args.out / "config.json").read_text()) == plain(args):
        return f"{report} is there already"
    write_bench(args.out, args, [bench.measure(args)])
    return f"{report}"


def _report(args: Args) -> str:
    from selfgrasp.runs.record import versions, write_config, write_json
    from selfgrasp.runs.report import write_report

    measured = _reports(args)
    calibration = [curve for report in measured for curve in report.get("calibration", ())]
    write_config(args.out, args, args.seed)
    write_json(
        args.out / "report.json",
        {
            "protocol": f"reproduction of {args.system}",
            "seed": args.seed,
            "cell": measured[0]["cell"],
            "versions": versions(),
            "rows": _rows(args),
            "paired": [pair for report in measured for pair in report["paired"]],
            "frozen": measured[0]["frozen"],
            "attempts": args.attempts,
            "notes": [f"Not in it yet: {part}." for part in REPRODUCTIONS[args.system].missing],
            "calibration": calibration,
        },
    )
    return f"{write_report([args.out])}"


def _reports(args: Args) -> list[dict[str, Any]]:
    return [json.loads((_bench_args(args, protocol, objects).out / "report.json").read_text()) for protocol, objects in _SUPERSIZING_BENCHES]


def _rows(args: Args) -> list[dict[str, Any]]:
    return [row for report in _reports(args) for row in report["rows"]]


_SUPERSIZING_BENCHES = (("prediction", None), ("isolated", "seen"), ("isolated", "novel"), ("clear", None))

REPRODUCTIONS = {
    "supersizing": Reproduction(
        paper="Pinto & Gupta, Supersizing self-supervision, ICRA 2016",
        stages=(
            Stage("collect", _collect),
            Stage("train", _train),
            *(_bench(protocol, objects) for protocol, objects in _SUPERSIZING_BENCHES),
            Stage("report", _report),
        ),
        missing=(
            "staged learning (III.D): three rounds in which the trained network collects, 0.795 in Table II; this is their round before the first",
            "ImageNet weights: this package downloads nothing, so the figure to compare with 0.769 is their network from scratch, 0.646 (IV.E)",
            "their baselines of Table II: eigenvector heuristic 0.621, nearest neighbours 0.694, linear SVM 0.733; `heuristic` is one of our own",
            "the ablations: amount of data (Fig. 8), data aggregation (IV.E)",
            "the robot: a simulated hand and generated objects stand for it and 150 things, so their figures are landmarks",
        ),
    )
}
"""By the method's name."""
