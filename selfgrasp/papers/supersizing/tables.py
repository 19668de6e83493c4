"""The reproduction's tables and charts, the paper's figures beside ours (Pinto & Gupta 2016, Tables
I and II, Figure 8, section IV.E and IV.F)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from selfgrasp.common.intervals import NONE, Estimate, bootstrap
from selfgrasp.common.parts import Calibration, Cell, Chart, Line, Point, Table
from selfgrasp.evaluation.data import curve
from selfgrasp.evaluation.measured import row_json
from selfgrasp.papers.supersizing import evaluate, scores
from selfgrasp.papers.supersizing.attempts_table import attempts_table
from selfgrasp.papers.supersizing.figures import ALONE, BY_DATA, SCRATCH, STAGES
from selfgrasp.papers.supersizing.repeats import agreements
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.protocols.clear import interactions
from selfgrasp.protocols.episode import Row
from selfgrasp.protocols.prediction import calibration
from selfgrasp.report.tables.objects import object_table
from selfgrasp.workcell.play import Episode

PAPER_ATTEMPTS = {
    "random": (3245, 37042, 40287),
    "staged": (2807, 4500, 7307),
    "test": (214, 2759, 2973),
}


def all_tables(work: Work) -> list[Table]:
    """Every table, in the order of the paper."""

    sizes = work.sizes
    staged = [work.stage_data(k, work.seed) for k in range(1, sizes.stages + 1)]
    attempts = attempts_table(
        {"random": work.random_data, "staged": staged, "test": work.folders.data("test")},
        PAPER_ATTEMPTS,
    )
    staged_note = (
        f" Staged: what the first training seed collected; each of the {sizes.seeds} "
        "collects its own."
    )
    return [
        replace(attempts, note=attempts.note + staged_note),
        prediction_table(work),
        stages_table(work),
        ablations_table(work),
        isolated_table(work),
        clear_table(work),
        collection_table(work),
        *object_table(work.random_data),
    ]


def kinds(work: Work, name: str) -> list[str]:
    """The runs of one kind, a training seed each."""
    return [f"{name}-{seed}" for seed in work.seeds]


def last_stage(work: Work) -> list[str]:
    """The runs of the last stage."""
    return kinds(work, f"stage{work.sizes.stages}")


def prediction_table(work: Work) -> Table:
    """Table II."""
    rows: list[list[Cell]] = [
        [row.name, *row.accuracy.cells(), _number(row.auc), row.chosen, row.paper]
        for row in scores.baselines(work)
    ]
    lacking = scores.lacking_baselines(work).items()
    rows += [[name, None, NONE, None, reason, None] for name, reason in lacking]
    networks: list[tuple[str, list[str], float | None]] = [
        ("network, random attempts", kinds(work, "first"), 0.769),
        ("network, staged", last_stage(work), 0.795),
    ]
    for name, runs, paper in networks:
        seeds = ", ".join(f"{scores.right(work, run, 'novel').right.mean():.3f}" for run in runs)
        rows.append(
            [
                name,
                *scores.accuracy_of(work, runs).cells(),
                _number(scores.auc_of(work, runs)),
                f"by training seed: {seeds}",
                paper,
            ]
        )
    for name, agreement in agreements(work.folders.measured("repeats")).items():
        rows.append(
            [
                f"ceiling: the grasp itself, tried before ({name})",
                *agreement.cells(),
                "",
                "balanced agreement of two tries from one state",
                None,
            ]
        )
    n = len(scores.right(work, kinds(work, "first")[0], "novel").right)
    note = (
        f"Balanced accuracy on {n:,} attempts on new objects, as many that held as failed; "
        "thresholds from validation objects, the networks' averaged over "
        "neighbouring cuts. Intervals over scenes and training seeds. "
        "Without any offset the simulation repeats itself exactly, so that the ceiling is what "
        "a small offset changes."
    )
    return Table(
        title="Predicting the outcome of a grasp (Table II)",
        note=note,
        columns=["predictor", "accuracy", "95 %", "AUC", "parameters", "paper: accuracy"],
        rows=rows,
    )


def stages_table(work: Work) -> Table:
    """Stages 0 to 3, and the same attempts spent at random; the difference in pairs of training
    seeds."""
    rows: list[list[Cell]] = []
    for tested, objects in (("random", "novel"), ("drawn by the network", "chosen")):
        rows.append(
            [
                tested,
                "0",
                *scores.accuracy_of(work, kinds(work, "first"), objects).cells(),
                "",
                "",
                "",
                "",
                _paper_stage(0, objects),
            ]
        )
        for stage in range(1, work.sizes.stages + 1):
            ours, random = kinds(work, f"stage{stage}"), kinds(work, f"random{stage}")
            gain, each = scores.difference_of(work, ours, random, objects)
            rows.append(
                [
                    tested,
                    str(stage),
                    *scores.accuracy_of(work, ours, objects).cells(),
                    *scores.accuracy_of(work, random, objects).cells(),
                    gain.text("+.3f"),
                    " ".join(f"{d:+.3f}" for d in each),
                    _paper_stage(stage, objects),
                ]
            )
    columns = [
        "tested on attempts",
        "stage",
        "staged",
        "95 %",
        "at random",
        "95 % ",
        "staged - random",
        "by seed",
        "paper: staged",
    ]
    return Table(
        title="Staged learning, against as many more attempts at random",
        note="Balanced accuracy on new objects, of attempts at random as in the paper, and of "
        "attempts that a network of stage 0 draws as a stage does, "
        "where predictions are acted on. Same training objects, weights and epochs in both "
        "columns; they differ in who chose the grasps.",
        columns=columns,
        rows=rows,
    )


def _paper_stage(stage: int, objects: str) -> float | None:
    return STAGES.get(stage) if objects == "novel" else None


def ablations_table(work: Work) -> Table:
    """Section IV.E, and several angles a point."""
    rows: list[list[Cell]] = []
    first = kinds(work, "first")

    def row(name: str, runs: list[str], against: list[str], paper: float | None) -> None:
        gain, _ = scores.difference_of(work, runs, against)
        rows.append([name, *scores.accuracy_of(work, runs).cells(), gain.text("+.3f"), paper])

    row("from scratch, all random attempts", first, first, SCRATCH)
    amounts = {n: kinds(work, f"first{n}") for n in work.sizes.amounts} | {work.sizes.random: first}
    if work.preset == "small":
        for n in work.sizes.pretrained:
            row(
                f"pretext before, {n:,} attempts, over from scratch",
                kinds(work, f"pretrained{n}"),
                amounts[n],
                0.769 if n == work.sizes.random else None,
            )
    row(
        "stage 1 without the data before (no aggregation), over stage 0",
        kinds(work, "alone"),
        first,
        ALONE,
    )
    if work.sizes.angles in amounts:
        row(
            f"{work.sizes.angles:,} attempts, 4 angles a point, over one",
            kinds(work, "angles"),
            amounts[work.sizes.angles],
            None,
        )
    return Table(
        title="Ablations (section IV.E)",
        note="Balanced accuracy on new objects, and the paired difference to the run named. "
        "The pretext saw all pictures of the random attempts and none of their outcomes; all "
        "seeds start from the same one.",
        columns=["training", "accuracy", "95 %", "difference", "paper: accuracy"],
        rows=rows,
    )


def isolated_table(work: Work) -> Table:
    """Section IV.F, objects alone."""
    rows: list[list[Cell]] = []
    for title, report in _played(work, "isolated"):
        oracle = next((found["value"] for found in report if found["policy"] == "oracle"), None)
        for found in report:
            share = found["value"] / oracle if oracle else None
            rows.append(
                [
                    title,
                    found["policy"],
                    found["value"],
                    f"{found['low']:.3f} to {found['high']:.3f}",
                    share,
                    found["n"],
                    found["paper"],
                ]
            )
    return Table(
        title="On the robot: isolated objects (section IV.F)",
        note="Share of objects lifted. The oracle tries grasps in the simulation before "
        "it does one.",
        columns=[
            "objects",
            "policy",
            "success",
            "95 %",
            "of the oracle's",
            "n",
            "paper: success",
        ],
        rows=rows,
    )


def clear_table(work: Work) -> Table:
    """Section IV.F, clutter; also over the scenes that the oracle clears."""
    rows: list[list[Cell]] = []
    for (title, report), test in zip(_played(work, "clear"), _tests(work, "clear"), strict=True):
        episodes = evaluate.measured(work, test)["episodes"]
        for found in report:
            between, over = (
                f"{found['low']:.1f} to {found['high']:.1f}",
                _over_clearable(episodes, found["policy"]),
            )
            rows.append(
                [title, found["policy"], found["value"], between, over, found["n"], found["paper"]]
            )
    return Table(
        title="On the robot: clutter (section IV.F)",
        note="Interactions until ten objects are gone, 40 for a scene that was not "
        "cleared. About "
        "one scene in five holds a thing that is too wide for the "
        "gripper in every direction; the column beside is over the scenes that the oracle cleared.",
        columns=[
            "objects",
            "policy",
            "interactions",
            "95 %",
            "scenes the oracle clears",
            "n",
            "paper: interactions",
        ],
        rows=rows,
    )


def _tests(work: Work, protocol: str) -> list[evaluate.RobotTest]:
    return [test for test in evaluate.robot_tests(work) if test.protocol == protocol]


def _played(work: Work, protocol: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Of each test of a protocol: objects and noise in words, and the rows of the metric that is
    told."""
    metric = {"isolated": "success", "clear": "interactions"}[protocol]
    for test in _tests(work, protocol):
        noise = {"realistic": "", "imprecise": ", imprecise arm", "none": ", no noise"}[test.noise]
        yield (
            f"{test.objects or 'mixed'}{noise}",
            [row for row in evaluate.measured(work, test)["rows"] if row["metric"] == metric],
        )


def _over_clearable(kept: Mapping[str, Sequence[Mapping[str, Any]]], policy: str) -> str:
    """Mean interactions over the scenes that the oracle cleared, with its interval and their
    number."""

    episodes = {name: [Episode.from_json(one) for one in some] for name, some in kept.items()}
    clearable = {e.task for e in episodes.get("oracle", ()) if e.cleared}
    values = [interactions(e) for e in episodes[policy] if e.task in clearable]
    if not values:
        return ""
    found = bootstrap(values)
    return f"{found.value:.1f} [{found.low:.1f}, {found.high:.1f}], {found.n} scenes"


def collection_table(work: Work) -> Table:
    """How fast attempts were collected and what the workers' time went into."""
    rows: list[list[Cell]] = []
    for path in sorted((work.folders.root / "measured").glob("collect-*.json")):
        found = json.loads(path.read_text())
        seconds = found["worker_seconds"]
        total = seconds.get("total", 0.0) or float("nan")
        share = [seconds.get(name, 0.0) / total for name in ("physics", "plan", "encode")]
        rows.append(
            [
                path.stem.removeprefix("collect-"),
                found["attempts"],
                found["wall_seconds"],
                found["attempts"] / found["wall_seconds"],
                *share,
            ]
        )
    return Table(
        title="Collecting",
        note="Of the workers' time; the rest is pictures, noise and bookkeeping.",
        columns=[
            "dataset",
            "attempts",
            "wall s",
            "attempts/s",
            "physics",
            "planning",
            "encoding",
        ],
        rows=rows,
    )


def all_charts(work: Work) -> list[Chart]:
    """Figure 8: accuracy against the amount of data, ours and theirs; and accuracy by stage."""
    series: list[Line] = []
    amounts = [
        *((n, kinds(work, f"first{n}")) for n in work.sizes.amounts),
        (work.sizes.random, kinds(work, "first")),
    ]
    for objects in scores.SETS:
        found = [(n, scores.accuracy_of(work, runs, objects)) for n, runs in amounts]
        series.append(Line(name=objects, points=_points(found)))
        series.append(Line.published(objects, BY_DATA[objects].items()))
    by_data = Chart(
        title="Accuracy by amount of random attempts (Figure 8)",
        note="Balanced accuracy; mean over training seeds.",
        x="attempts",
        y="accuracy",
        log_x=True,
        percent=True,
        series=series,
    )
    stages = range(1, work.sizes.stages + 1)
    first = scores.accuracy_of(work, kinds(work, "first"))
    lines = []
    for name, kind in (("staged", "stage"), ("at random", "random")):
        later = [scores.accuracy_of(work, kinds(work, f"{kind}{k}")) for k in stages]
        points = _points([(0, first), *zip(stages, later, strict=True)])
        lines.append(Line(name=name, points=points))
    lines.append(Line.published("staged", STAGES.items()))
    by_stage = Chart(
        title="Accuracy by stage",
        note="New objects.",
        x="stage",
        y="accuracy",
        percent=True,
        series=lines,
    )
    return [by_data, by_stage]


def rows_of(work: Work) -> Iterator[dict[str, object]]:
    """Rows of report.json: prediction and the robot's tests."""

    networks: tuple[tuple[str, Sequence[str], float], ...] = (
        ("network, random attempts", kinds(work, "first"), 0.769),
        ("network, staged", last_stage(work), 0.795),
    )
    found: list[tuple[str, str, Estimate, float | None]] = [
        (name, objects, scores.accuracy_of(work, runs, objects), paper)
        for name, runs, paper in networks
        for objects in scores.SETS
    ]
    found += [(b.name, "novel", b.accuracy, b.paper) for b in scores.baselines(work)]
    for name, objects, accuracy, paper in found:
        if accuracy.n:
            theirs = paper if objects == "novel" else None
            yield row_json(
                Row.of(accuracy, policy=name, objects=objects, metric="accuracy", paper=theirs)
            )
    for test in evaluate.robot_tests(work):
        if test.noise == "realistic":
            yield from evaluate.measured(work, test)["rows"]


def calibration_of(work: Work) -> list[Calibration]:
    """Predicted probability against what happened, on random attempts on new objects, of the final
    network."""

    name = evaluate.final_run(work)
    return [curve(f"supersizing ({name})", calibration(scores.scored(work, name)["novel"]))]


def _points(found: Sequence[tuple[int, Estimate]]) -> list[Point]:
    """Of a line, where the estimate rests on something."""
    return [Point.of(x, estimate) for x, estimate in found if estimate.n]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
