"""The last step: tables, charts, pictures and rows into one report."""

from __future__ import annotations

import json

from selfgrasp.common.parts import Table
from selfgrasp.common.record import write_json
from selfgrasp.papers.reproduction import Report
from selfgrasp.papers.supersizing import evaluate, tables
from selfgrasp.papers.supersizing.figure_patches import figure_patches
from selfgrasp.papers.supersizing.sizes import Work
from selfgrasp.report.story_file import Story, add_to_story
from selfgrasp.report.tables.failures import failure_gallery

NOTES = (
    "A simulated hand and generated objects stand for the robot and its 150 things: the "
    "paper's figures are landmarks.",
    "No ImageNet weights come with the package; `train --trunk FILE` takes a user's.",
)
SMALL_NOTES = (
    "Pretraining here is a pretext task on the project's own pictures.",
    "Stages draw from a dense map at nine angles drawn anew for each grasp, instead of from "
    "800 patches at 18.",
)


def draw_pictures(work: Work) -> str:
    """Where the best patches lie after each stage (Figure 6), and the final network's failures by
    kind."""

    layout, seed = work.folders, work.seed
    folder = layout.root / "pictures"
    stages = {
        "random attempts": f"first-{seed}",
        **{f"stage {k}": f"stage{k}-{seed}" for k in range(1, work.sizes.stages + 1)},
    }
    checkpoints = {name: str(layout.run(run)) for name, run in stages.items()}
    pictures = figure_patches(checkpoints, folder, seed=seed, scenes=2)
    table, failed = failure_gallery(layout.data("failures"), folder)
    story = Story(galleries=(*pictures, *failed))
    add_to_story(folder, story, "reproduce")
    write_json(layout.measured("pictures"), {"failures": table})
    return f"{len(story.paths)} pictures"


def report(work: Work) -> Report:
    """What is told at the end."""

    final = evaluate.label_of(work, evaluate.final_run(work))
    pairs = [
        pair
        for test in evaluate.robot_tests(work)
        if test.noise == "realistic"
        for pair in evaluate.measured(work, test)["paired"]
    ]
    drawn = json.loads(work.folders.measured("pictures").read_text())
    return Report(
        cell="tabletop",
        rows=list(tables.rows_of(work)),
        paired=[pair for pair in pairs if final in (pair["a"], pair["b"])],
        learned=final,
        attempts=work.sizes.random,
        notes=[*NOTES, *(SMALL_NOTES if work.preset == "small" else ())],
        calibration=tables.calibration_of(work),
        tables=[*tables.all_tables(work), Table.from_json(drawn["failures"])],
        charts=tables.all_charts(work),
    )
