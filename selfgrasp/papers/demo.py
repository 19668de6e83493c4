"""`selfgrasp demo`: the whole story in minutes: collect, learn, try better, compare, report."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from selfgrasp.common.checks import check_minimum
from selfgrasp.common.parts import Pair
from selfgrasp.core.policy_ref import policy_text
from selfgrasp.verbs.cell_options import said, with_cell
from selfgrasp.workcell.cells.config import OptionValue
from selfgrasp.workcell.cells.registry import cell_kind

if TYPE_CHECKING:
    from selfgrasp.evaluation.measured import Measured

SYSTEMS = ("supersizing", "hand_eye", "semantic")
_WINDOW = 250
FULL = {"prediction": 6000, "isolated": 150, "clear": 30}
"""Trials of the full protocols; the report says where the demo does fewer."""


_OUT = Path("runs/demo")


@dataclass(frozen=True)
class Args:
    """The whole story in minutes: a robot tries at random, learns from what its fingers felt, tries
    better, and is compared with others on the same scenes.

    `demo hand_eye` plays the shipped weights instead: --scenes reaches from one full bin, with a
    film of what was thought at every look. So does `demo semantic`, which fetches what it is asked
    for: --ask first, then others, then one that is not in the bin. An interrupted demo goes on with
    the same command. For figures to quote, use `selfgrasp bench` with its full numbers of trials.

    Attributes:
        system: supersizing, which learns; hand_eye or semantic, whose shipped weights play.
        objects: a folder of meshes (OBJ, STL, GLB) to tell the story on; the built-in objects by
            default. For semantic seen, validation or novel (the default) instances of its
            categories.
        out: folder of the run; runs/demo by default, and for hand_eye and semantic
            runs/demo-hand_eye and runs/demo-semantic.
        attempts: random attempts to learn from.
        staged: further attempts that the first network makes, to learn from its own mistakes; 0
            leaves them out.
        seconds: of training at most, in each of the two stages.
        predictions: tried actions with unseen objects in `prediction`.
        trials: scenes a policy in `isolated`.
        scenes: scenes a policy in `clear`; reaches of `demo hand_eye`; commands of `demo semantic`
            at most.
        ask: of `demo semantic`: the category to bring first.
        workers: processes.
        seed: of everything.
        options: of the cell; how many things there are, the pictures' size and the mixture are
            hand_eye's and semantic's own.
    """

    system: Positional[str] = "supersizing"
    objects: Path | None = None
    out: Path = _OUT
    attempts: int = 4000
    staged: int = 2000
    seconds: float = 45.0
    predictions: int = 800
    trials: int = 100
    scenes: int = 30
    ask: str = "spoon"
    workers: int = 2
    seed: int = 0
    options: Mapping[str, OptionValue] = field(default_factory=dict)


def read(arguments: Sequence[str], parse: Callable[[type[Args]], Args]) -> Args:
    """The arguments, with the options of the cell that the system works in; in `options` only what
    was given."""
    cell = "kuka_bin" if {"hand_eye", "semantic"} & set(arguments) else "tabletop"
    args = parse(with_cell(Args, cell, cell_kind(cell).options()))
    return replace(args, options=said(arguments, args.options))


@dataclass
class _Stages:
    """What was done and how long it took; kept on disk, so that a resumed demo still knows."""

    path: Path
    done: list[dict[str, Any]] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether a stage was finished, now or before an interruption."""
        return any(stage["name"] == name for stage in self.done)

    @contextmanager
    def stage(self, name: str, detail: str) -> Iterator[None]:
        print(f"\n== {name}: {detail}", file=sys.stderr, flush=True)
        start = time.perf_counter()
        yield
        earlier = next((s for s in self.done if s["name"] == name), None)
        seconds = time.perf_counter() - start + (earlier["seconds"] if earlier else 0.0)
        self.done = [s for s in self.done if s is not earlier] + [
            {"name": name, "seconds": seconds, "detail": detail}
        ]
        from selfgrasp.common.record import write_json

        write_json(self.path, self.done)


def run(args: Args) -> int:
    """Collect, learn, try better, compare, report; the last lines say the figures and where the
    report is."""
    from selfgrasp.common.record import write_config
    from selfgrasp.core import InputError, unknown_name
    from selfgrasp.evaluation.job import BenchJob
    from selfgrasp.evaluation.measure import measure
    from selfgrasp.evaluation.measured import as_text
    from selfgrasp.report.run_page import write_report

    if args.system not in SYSTEMS:
        raise unknown_name("system", args.system, SYSTEMS)
    check_minimum(args, attempts=1, staged=0, predictions=1, trials=1, scenes=1, workers=1)
    if args.seconds <= 0:
        raise InputError(given=f"--seconds {args.seconds:g}", wanted="more than 0")
    if args.system == "hand_eye":
        from selfgrasp.papers.hand_eye import demo

        objects = "novel" if args.objects is None else str(args.objects)
        return demo.play(
            _own_out(args),
            objects=objects,
            attempts=args.scenes,
            seed=args.seed,
            options=args.options,
        )
    if args.system == "semantic":
        from selfgrasp.papers.semantic import demo as fetching
        from selfgrasp.protocols.category import CATEGORY

        objects = "novel" if args.objects is None else str(args.objects)
        return fetching.play(
            _own_out(args),
            objects=CATEGORY.sets.get(objects, objects),
            ask=args.ask,
            commands=args.scenes,
            seed=args.seed,
            options=args.options,
        )
    began = time.perf_counter()
    seen, novel, mixed = _object_sets(args)
    args.out.mkdir(parents=True, exist_ok=True)
    write_config(args.out, args, args.seed)
    stages = _stages(args.out / "stages.json")
    with stages.stage("collect", f"{args.attempts} random attempts in the tabletop cell"):
        collected = _collect(args, seen, "random", args.attempts, round=0)
    with stages.stage("learn", f"{args.system}:small on them, {args.seconds:g} s at most"):
        # Once done it stays: what was collected since is not its data.
        if not stages.has("learn"):
            _train(args, args.out / "first", start=None)
    if args.staged:
        with stages.stage(
            "try better", f"{args.staged} attempts by what was learned, drawn from its own opinion"
        ):
            _collect(args, seen, policy_text(args.out / "first", "explore"), args.staged, round=1)
        with stages.stage("learn again", "from all attempts, the new ones counting three times"):
            _train(args, args.out, start=policy_text(args.out / "first"))
    learned = policy_text(args.out if args.staged else args.out / "first")
    policies = ("random", "heuristic", learned)
    measured: list[Measured] = []
    for protocol, objects, trials, who in (
        ("prediction", novel, args.predictions, ("heuristic", learned)),
        ("isolated", novel, args.trials, policies),
        ("clear", mixed, args.scenes, policies),
    ):
        with stages.stage(protocol, f"{trials} trials a policy, {_name(objects)} objects"):
            wanted = BenchJob(
                protocol=protocol,
                policy=who,
                out=args.out,
                objects=objects,
                trials=trials,
                seed=args.seed,
                workers=args.workers,
                options=args.options,
            )
            measured.append(
                _kept(
                    args.out / "measured" / f"{protocol}.json",
                    wanted,
                    partial(measure, wanted),
                )
            )
    with stages.stage("pictures", "scenes played once more, to be looked at"):
        _pictures(args, learned, mixed, collected)
    _write_report(args, wanted, measured, stages.done)
    page = write_report([args.out])
    for one in measured:
        print(as_text(one))
    print(f"{time.perf_counter() - began:.0f} s in all; report: {page}")
    return 0


def _own_out(args: Args) -> Path:
    """Beside `make demo`'s, not over it."""
    return Path(f"{_OUT}-{args.system}") if args.out == _OUT else args.out


def _object_sets(args: Args) -> tuple[str, str, str]:
    """Names of what is trained on, what is tested on, and what is cleared. A folder's meshes are
    parted, so that train and test objects never meet."""
    if args.objects is None:
        return "train", "novel", "mixed"
    from selfgrasp.objects.meshes import load_meshes

    report = load_meshes(args.objects)
    for refused in report.refused:
        print(f"refused {refused.file}: {refused.reason}", file=sys.stderr)
    print(
        f"{len(report.objects)} objects from {args.objects}, {len(report.refused)} refused",
        file=sys.stderr,
    )
    return f"{args.objects}#train", f"{args.objects}#test", str(args.objects)


def _name(objects: str) -> str:
    return Path(objects).name


def _stages(path: Path) -> _Stages:
    return _Stages(path, json.loads(path.read_text()) if path.exists() else [])


def _collect(args: Args, objects: str, policy: str, attempts: int, *, round: int) -> Path:
    from selfgrasp.rollout.jobs import CollectJob
    from selfgrasp.verbs.collect import run

    wanted = CollectJob(
        out=args.out / "data",
        attempts=attempts,
        policy=policy,
        objects=objects,
        workers=args.workers,
        seed=args.seed + 1000 * round,
        round=round,
        after="set_aside" if round else "put_back",
        options=cell_kind("tabletop").options(args.options),
    )
    run(wanted)
    return wanted.out


def _train(args: Args, out: Path, start: str | None) -> None:
    from selfgrasp.rollout.jobs import TrainJob
    from selfgrasp.verbs.train import run

    wanted = TrainJob(
        method=f"{args.system}:small",
        data=(args.out / "data",),
        out=out,
        start=start,
        max_seconds=args.seconds,
        seed=args.seed,
        threads=1,
    )
    run(wanted)


def _kept(path: Path, wanted: Any, measure: Callable[[], Measured]) -> Measured:
    """What was measured, from disk where the very same thing was measured before."""
    from selfgrasp.evaluation.measured import Measured, row_json
    from selfgrasp.papers.steps import measured_of, what_counts
    from selfgrasp.protocols.episode import Row
    from selfgrasp.rollout.policies import resolve

    def measured() -> dict[str, Any]:
        found = measure()
        return {
            "rows": [row_json(r) for r in found.rows],
            "paired": [pair.to_json() for pair in found.paired],
            "extra": found.extra,
        }

    kept = measured_of(
        path,
        {"args": what_counts(wanted), "policies": [resolve(p).identity for p in wanted.policy]},
        measured,
    )
    return Measured(
        tuple(Row(**{**r, "privileged": tuple(r["privileged"])}) for r in kept["rows"]),
        tuple(map(Pair.from_json, kept["paired"])),
        extra=kept["extra"],
    )


def _pictures(args: Args, learned: str, objects: str, dataset: Path) -> None:
    """Cards of collected attempts, and scenes played in this process with every policy for opinions
    and a film."""
    from itertools import islice

    from selfgrasp.dataset import Dataset
    from selfgrasp.evaluation.job import FIRST_SCENE
    from selfgrasp.objects.named import objects_named
    from selfgrasp.protocols.play import play_until_clear
    from selfgrasp.report.story_watcher import StoryWatcher
    from selfgrasp.rollout.policies import load_policy
    from selfgrasp.workcell.cells.simulated import make_cell

    folder = args.out / "pictures"
    with (
        Dataset.open(dataset) as data,
        StoryWatcher(folder, data.spec, source="collect") as watcher,
    ):
        for attempt in islice(data.attempts(), 240):
            watcher.on_attempt(attempt, ())
    cell = make_cell(
        "tabletop", objects_named(objects), cell_kind("tabletop").options(args.options)
    )
    with cell.cell as workcell, StoryWatcher(folder, workcell.spec, source="bench") as watcher:
        workcell.watchers = (watcher,)
        for policy, scenes in (("heuristic", 1), (learned, 3)):
            for scene in range(scenes):
                play_until_clear(
                    cell,
                    load_policy(policy, cell),
                    FIRST_SCENE + 10_000 * args.seed + scene,
                    session="film",
                    most=24,
                )


def _write_report(
    args: Args, wanted: Any, measured: list[Measured], stages: list[dict[str, Any]]
) -> None:
    from selfgrasp.common.record import write_json
    from selfgrasp.dataset import Dataset
    from selfgrasp.evaluation.log import forget
    from selfgrasp.evaluation.measured import bench_json
    from selfgrasp.rollout.policies import resolve

    learned = resolve(wanted.policy[-1]).label
    reductions = [
        f"{protocol}: {trials} trials a policy instead of {FULL[protocol]}"
        for protocol, trials in (
            ("prediction", args.predictions),
            ("isolated", args.trials),
            ("clear", args.scenes),
        )
        if trials < FULL[protocol]
    ]
    with Dataset.open(args.out / "data") as data:
        judge = _judge_and_truth(data)
        attempts = len(data)
        curve = _success_by_round(data)
    extra = {
        "attempts": attempts,
        "headline": {"base": "random", "learned": learned},
        "stages": stages,
        "commands": [shlex.join(["selfgrasp", *sys.argv[1:]])],
        "reductions": reductions,
        "curve": curve,
        "judge": judge,
        "notes": [
            "Interactions, completion and scenes use the simulator's count of what is left; "
            "success is what the fingers feel."
        ],
    }
    write_json(
        args.out / "report.json", {**bench_json(wanted, measured, extra), "protocol": "demo"}
    )
    forget(args.out)


def _judge_and_truth(data: Any) -> dict[str, Any]:
    """How often what the fingers felt and what was truly held differ, over everything that was
    collected."""
    truth, ids, felt = data.label("truth.grasped"), data.ids(), data.column("grasped")
    pairs = [(bool(f), bool(truth[i])) for i, f in zip(ids, felt, strict=True) if i in truth]
    return {
        "attempts": len(pairs),
        "disagree": sum(f != t for f, t in pairs) / max(1, len(pairs)),
        "felt but not held": sum(f and not t for f, t in pairs),
        "held but not felt": sum(t and not f for f, t in pairs),
    }


def _success_by_round(data: Any) -> list[dict[str, Any]]:
    """Success of what was tried, in windows of attempts, one line a round."""
    from selfgrasp.common.intervals import wilson

    points, before = [], 0
    rounds, grasped = data.column("round"), data.column("grasped")
    for index in sorted(set(rounds.tolist())):
        mine = grasped[rounds == index]
        for start in range(0, len(mine), _WINDOW):
            window = mine[start : start + _WINDOW]
            rate = wilson(int(window.sum()), len(window))
            name = "tried at random" if index == 0 else "tried by what was learned"
            at = before + start + len(window)
            points.append(
                {
                    "policy": name,
                    "attempts": at,
                    "value": rate.value,
                    "low": rate.low,
                    "high": rate.high,
                    "metric": "success",
                }
            )
        before += len(mine)
    return points
