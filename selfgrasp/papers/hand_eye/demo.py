"""`selfgrasp demo hand_eye`: the shipped weights at work, and a film of what they thought at every
look."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from selfgrasp.papers.reaches import Reach, film, reaches
from selfgrasp.workcell.cells.config import OptionValue

POLICY = "hand_eye"
_OBJECTS, _PX, _FILMED = 20, 160, 8


def play(
    out: Path, *, objects: str, attempts: int, seed: int, options: Mapping[str, OptionValue]
) -> int:
    """Grasps from one full bin of unseen objects; a page with a film of each of the first reaches.

    Args:
        out: folder of the page.
        objects: name of an object set, or a folder of meshes.
        attempts: how many grasps.
        seed: of the scene.
        options: of the cell, those that are given.
    """
    from selfgrasp.common.progress import Progress
    from selfgrasp.core import ANYTHING
    from selfgrasp.evaluation.job import FIRST_SCENE
    from selfgrasp.objects.named import objects_named
    from selfgrasp.rollout.policies import load_policy
    from selfgrasp.workcell.cells.kuka_bin import KUKA_BIN
    from selfgrasp.workcell.cells.simulated import kuka_bin

    began = time.perf_counter()
    things = objects_named(objects)
    mine: dict[str, OptionValue] = {"count": min(_OBJECTS, len(things)), "picture_px": _PX}
    cell = kuka_bin(things, KUKA_BIN.options({**options, **mine}))
    played: list[Reach] = []
    with cell.cell as workcell, Progress("reach", attempts, unit="attempts") as progress:
        for reach in reaches(
            cell, load_policy(POLICY), FIRST_SCENE + 10_000 * seed, [ANYTHING] * attempts
        ):
            played.append(reach)
            progress.update(len(played), f"{sum(r.attempt.outcome.grasped for r in played)} held")
        opening = workcell.spec.gripper.opening
    page = _page(out, played, opening)
    held = sum(r.attempt.outcome.grasped for r in played)
    print(
        f"{held} of {len(played)} attempts held something; {time.perf_counter() - began:.0f} s "
        f"in all; report: {page}"
    )
    return 0


def _page(out: Path, played: list[Reach], opening: float) -> Path:
    from selfgrasp.report.html import Page, grid, paragraph, table
    from selfgrasp.report.markup import element

    films = [
        film(out / "pictures" / f"reach-{index}.webp", reach, opening=opening)
        for index, reach in enumerate(played[:_FILMED])
    ]
    rows = [_row(index, reach) for index, reach in enumerate(played)]
    held = sum(r.attempt.outcome.grasped for r in played)
    hero = element(
        "header",
        element("h1", f"{held} of {len(played)} reaches held something"),
        paragraph(
            "A colour camera over the shoulder, of which the policy reads no calibration, and "
            "objects that no training saw. At every look the ends of the best "
            "motions are drawn in the colours of their chances, from purple to yellow; the "
            "arrow leads to where the next one ends."
        ),
    )
    page = Page(title="hand-eye coordination · selfgrasp", hero=hero).section(
        "Reaches", grid(*films)
    )
    page = page.section(
        "All attempts",
        table(rows, head=("", "looks", "chance", "what came", "thing"), numbers=(0, 1, 2)),
    )
    path = out / "report.html"
    size = page.write(path)
    print(f"{len(films)} films, {size / 1e6:.1f} MB", file=sys.stderr)
    return path


def _row(index: int, reach: Reach) -> tuple[object, ...]:
    from selfgrasp.viz.kinds import kind_of

    scores = [step.score for step in reach.attempt.steps]
    return (
        index + 1,
        len(reach.plans),
        f"{scores[-1]:.2f}" if scores else "",
        kind_of(reach.attempt),
        reach.thing,
    )
