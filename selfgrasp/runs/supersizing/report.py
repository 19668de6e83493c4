"""The last step: tables, charts, pictures and rows into one report."""

from __future__ import annotations

import json
from typing import Any

from selfgrasp.runs import steps
from selfgrasp.runs.record import versions, write_config, write_json
from selfgrasp.runs.supersizing import robot
from selfgrasp.runs.supersizing.learning import Work

NOTES = (
    "A simulated hand and generated objects stand for the robot and its 150 things: the paper's figures are landmarks.",
    "No ImageNet weights come with the package; `train --trunk FILE` takes a user's.",
)
SMALL_NOTES = (
    "Pretraining here is a pretext task on the project's own pictures.",
    "Stages draw from a dense map at nine angles drawn anew for each grasp, instead of from 800 patches at 18.",
)
_MAY_GROW = ("seeds", "trials", "clear")
"""Sizes that a later call may change: what they add is trained or played, and the rest stays."""


def freeze(work: Work) -> str:
    """Hashes of objects, sampler, noise and heuristic, and what was asked for, written before the first network is trained and compared ever after.

    Raises:
        InputError: something that was frozen has changed since.
    """
    sizes = {f"sizes.{name}": value for name, value in vars(work.sizes).items() if name not in _MAY_GROW}
    return steps.frozen(work.folders, {"preset": work.preset, "seed": work.seed, **sizes})


def draw_pictures(work: Work) -> str:
    """Where the best patches lie after each stage (Figure 6), and the final network's failures by kind."""
    from selfgrasp.runs.failures import failure_gallery
    from selfgrasp.runs.figure_patches import figure_patches

    layout, seed = work.folders, work.seed
    folder = layout.root / "pictures"
    stages = {"random attempts": f"first-{seed}", **{f"stage {k}": f"stage{k}-{seed}" for k in range(1, work.sizes.stages + 1)}}
    checkpoints = {name: str(layout.run(run)) for name, run in stages.items()}
    pictures = figure_patches(checkpoints, folder, seed=seed, scenes=2)
    table, failed = failure_gallery(layout.data("failures"), folder)
    write_json(layout.measured("pictures"), {"pictures": [*pictures, *failed], "failures": table})
    return f"{len(pictures) + len(failed)} pictures"


def write(work: Work, args: Any) -> str:
    """report.json and report.html."""
    from selfgrasp.runs.report import write_report
    from selfgrasp.runs.supersizing import tables

    root, final = work.folders.root, robot.label_of(work, robot.final_run(work))
    pairs = [pair for test in robot.robot_tests(work) if test.noise == "realistic" for pair in robot.measured(work, test)["paired"]]
    drawn = json.loads(work.folders.measured("pictures").read_text())
    write_config(root, args, work.seed)
    write_json(
        root / "report.json",
        {
            "protocol": "reproduction of supersizing",
            "seed": work.seed,
            "cell": "tabletop",
            "versions": versions(),
            "rows": list(tables.rows_of(work)),
            "paired": [pair for pair in pairs if final in (pair["a"], pair["b"])],
            "headline": {"learned": final},
            "frozen": json.loads((root / "frozen.json").read_text()),
            "attempts": work.sizes.random,
            "notes": [*NOTES, *(SMALL_NOTES if work.preset == "small" else ())],
            "calibration": tables.calibration_of(work),
            "tables": [*tables.all_tables(work), drawn["failures"]],
            "charts": tables.all_charts(work),
            "pictures": drawn["pictures"],
        },
    )
    return f"{write_report([root])}"
