"""`selfgrasp reproduce`: collect, train, measure; the paper's tables with its figures beside ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from tyro.conf import Positional

from selfgrasp.runs.command import at_least

if TYPE_CHECKING:
    from selfgrasp.runs.hand_eye.work import Sizes as HandEyeSizes
    from selfgrasp.runs.hand_eye.work import Work as HandEyeWork
    from selfgrasp.runs.semantic.work import Sizes as SemanticSizes
    from selfgrasp.runs.semantic.work import Work as SemanticWork
    from selfgrasp.runs.supersizing.learning import Work

SizesT = TypeVar("SizesT", "HandEyeSizes", "SemanticSizes")


@dataclass(frozen=True)
class Args:
    """Do a paper again from nothing: collect, train, measure, and put its figures beside ours.

    Every step skips what is done already: run the same command again to go on after an interruption, at any point.

    Attributes:
        system: supersizing, hand_eye or semantic.
        out: folder of everything.
        preset: small trains on two cores; paper has the paper's network (semantic: larger ones, and as many labelled attempts as were published), and wants a
            GPU.
        attempts: random ones to begin with (semantic: those from bins of everything); all other collections go with it.
        seeds: trainings of everything that is compared.
        trials: scenes a policy of `isolated`, and a fifth as many of `clear`; bins of `deplete`, or of `category`.
        workers: processes.
        seed: of scenes, choices and the first training.
        device: to train on: auto, cpu, cuda.
        quick: tiny sizes, to see that everything runs; its figures mean nothing.
    """

    system: Positional[str]
    out: Path
    preset: Literal["small", "paper"] = "small"
    attempts: int | None = None
    seeds: int | None = None
    trials: int | None = None
    workers: int = 2
    seed: int = 0
    device: str = "auto"
    quick: bool = False


@dataclass(frozen=True)
class Step:
    """One step of a reproduction: its name, and what does it, or finds it done, and says in a line what came of it."""

    name: str
    run: Callable[[], str]


@dataclass(frozen=True)
class Reproduction:
    """How a paper is done again.

    Attributes:
        paper: what is reproduced.
        steps: in order, for these arguments.
    """

    paper: str
    steps: Callable[[Args], tuple[Step, ...]]


def run(args: Args) -> int:
    """All steps, each with its time, and the tables."""
    reproduction = reproduction_of(args.system)
    print(f"{args.system}:{args.preset}, after {reproduction.paper}")
    steps = reproduction.steps(args)
    for number, step in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {step.name}", flush=True)
        began = time.perf_counter()
        said = step.run()
        print(f"    {said} ({time.perf_counter() - began:.0f} s)", flush=True)
    print(as_text(json.loads((args.out / "report.json").read_text())["tables"]))
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


def as_text(tables: list[dict[str, Any]]) -> str:
    """The tables for a terminal; columns whose title names the paper hold its figures."""
    return "\n\n".join("\n".join(_table(table)) for table in tables)


def _table(table: dict[str, Any]) -> list[str]:
    cells = [list(table["columns"]), *([_cell(value) for value in row] for row in table["rows"])]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return [table["title"], *lines]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _supersizing(args: Args) -> tuple[Step, ...]:
    from selfgrasp.runs.supersizing import learning, prediction, repeats, report, robot

    work = supersizing_work(args)

    def step(name: str, do: Callable[[Work], str]) -> Step:
        return Step(name, lambda: do(work))

    def playing(test: robot.RobotTest) -> Step:
        return Step(f"play {test.name}", lambda: robot.play(work, test))

    return (
        step("freeze objects, noise and heuristic", report.freeze),
        step("collect random attempts", learning.collect_random),
        step("collect test attempts", learning.collect_tests),
        step("train on random attempts, by amount", learning.train_first),
        step("collect test attempts that the network draws", learning.collect_chosen),
        step("stages: collect with the network, learn on", learning.run_stages),
        step("the same number of attempts at random", learning.run_same_budget),
        step("ablations", learning.run_ablations),
        step("repeat grasps from restored states", repeats.measure_repeats),
        step("score the test attempts", prediction.score_all),
        step("score the baselines", prediction.score_baselines),
        *map(playing, robot.robot_tests(work)),
        step("collect failures", robot.collect_failures),
        step("draw", report.draw_pictures),
        Step("report", lambda: report.write(work, args)),
    )


def supersizing_work(args: Args) -> Work:
    """Sizes and folders for these arguments.

    Raises:
        InputError: a number below 1, or a device this machine lacks.
    """
    from selfgrasp.runs.supersizing.learning import Work
    from selfgrasp.runs.supersizing.sizes import Layout, Sizes, quick, scaled

    _check(args)
    sizes = quick() if args.quick else Sizes()
    if args.attempts is not None:
        sizes = scaled(sizes, args.attempts)
    if args.seeds is not None:
        sizes = replace(sizes, seeds=args.seeds)
    if args.trials is not None:
        sizes = replace(sizes, trials=args.trials, clear=max(1, round(args.trials / 5)))
    return Work(Layout(args.out), sizes, args.preset, args.workers, args.seed, args.device)


def _hand_eye(args: Args) -> tuple[Step, ...]:
    from selfgrasp.runs.hand_eye import report, robot, work

    made = hand_eye_work(args)

    def rounds(number: int) -> Step:
        return Step(f"round {number}: servo, up to {made.sizes.rounds[number - 1]} motions, and learn from all", lambda: work.run_round(made, number))

    def playing(condition: robot.Condition) -> Step:
        return Step(f"deplete, {condition.title}", lambda: robot.play(made, condition))

    return (
        Step("freeze objects, noise and heuristic", lambda: work.freeze(made)),
        Step("collect random motions", lambda: work.collect_random(made)),
        Step("collect with the drop test", lambda: work.collect_doubted(made)),
        Step("train on them, by amount", lambda: work.train_random(made)),
        *(rounds(number) for number in range(1, len(made.sizes.rounds) + 1)),
        Step("deplete bins of validation objects, by attempts and rounds", lambda: robot.play_validation(made)),
        *map(playing, robot.conditions(made)),
        Step("report", lambda: report.write(made, args)),
    )


def hand_eye_work(args: Args) -> HandEyeWork:
    """Sizes and folders for these arguments.

    Raises:
        InputError: a number below 1, or a device this machine lacks.
    """
    from selfgrasp.runs.hand_eye.work import Sizes, Work, quick, scaled
    from selfgrasp.runs.steps import Folders

    _check(args)
    sizes = _asked(quick() if args.quick else Sizes(), args, scaled)
    return Work(Folders(args.out), sizes, args.preset, args.workers, args.seed, args.device)


def _semantic(args: Args) -> tuple[Step, ...]:
    from selfgrasp.runs.semantic import found, report, robot, work

    made = semantic_work(args)
    return (
        Step("freeze objects, noise and heuristic", lambda: work.freeze(made)),
        Step("collect from bins of one category", lambda: work.collect_alone(made)),
        Step("collect from bins of everything", lambda: work.collect_mixed(made)),
        Step("collect other things, for grasps alone", lambda: work.collect_aside(made)),
        Step("hold test objects before the camera", lambda: work.collect_presents(made)),
        Step("train the dorsal stream", lambda: work.train_dorsal(made)),
        Step("rate pictures", lambda: work.rate(made)),
        Step("train classifiers of presented pictures, by amount", lambda: work.train_classifiers(made)),
        Step("measure how often they are right", lambda: work.measure_classifiers(made)),
        Step("a probe of colour and size", lambda: work.measure_probe(made)),
        Step("spread labels", lambda: work.spread(made)),
        Step("train all rows", lambda: work.train_rows(made)),
        Step("fetch validation instances, which chooses the best rows", lambda: robot.play_candidates(made)),
        Step("fetch training instances", lambda: robot.play_rows(made, "seen")),
        Step("fetch unseen instances", lambda: robot.play_rows(made, "novel")),
        Step("when to say that something is not there", lambda: found.measure_found(made)),
        Step("the best row, to be shipped", lambda: found.ship(made)),
        Step("train the best three rows, and what they are compared with, on more seeds", lambda: robot.train_further(made)),
        Step("fetch with these", lambda: robot.play_further(made)),
        Step("report", lambda: report.write(made, args)),
    )


def semantic_work(args: Args) -> SemanticWork:
    """Sizes and folders for these arguments.

    Raises:
        InputError: a number below 1, or a device this machine lacks.
    """
    from selfgrasp.runs.semantic.work import SIZES, Work, quick, scaled
    from selfgrasp.runs.steps import Folders

    _check(args)
    sizes = _asked(quick() if args.quick else SIZES[args.preset](), args, scaled)
    return Work(Folders(args.out), sizes, args.preset, args.workers, args.seed, args.device)


def _asked(sizes: SizesT, args: Args, scaled: Callable[[SizesT, int], SizesT]) -> SizesT:
    """`sizes` with the numbers that were asked for; trials are bins."""
    sizes = sizes if args.attempts is None else scaled(sizes, args.attempts)
    return replace(sizes, seeds=sizes.seeds if args.seeds is None else args.seeds, bins=sizes.bins if args.trials is None else args.trials)


def _check(args: Args) -> None:
    from selfgrasp.learn.recipe import device_of

    at_least(args, attempts=1, seeds=1, trials=1, workers=1)
    device_of(args.device)


REPRODUCTIONS = {
    "supersizing": Reproduction("Pinto & Gupta, Supersizing self-supervision, ICRA 2016", _supersizing),
    "semantic": Reproduction("Jang et al., End-to-end learning of semantic grasping, CoRL 2017", _semantic),
    "hand_eye": Reproduction("Levine et al., Learning hand-eye coordination for robotic grasping, IJRR 2016", _hand_eye),
}
"""By the method's name."""
