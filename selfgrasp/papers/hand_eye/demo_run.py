"""What `selfgrasp demo hand_eye` does: reaches with the shipped weights, and a film of what they
thought at every look."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from selfgrasp.common.progress import Progress
from selfgrasp.common.seeds import Purpose
from selfgrasp.core import ANYTHING
from selfgrasp.core.bounds import check_bounds
from selfgrasp.objects.named import objects_named
from selfgrasp.papers.demos import write_report
from selfgrasp.papers.reaches import Reach, film, reaches
from selfgrasp.report.html import Page, grid, paragraph, table
from selfgrasp.report.markup import element
from selfgrasp.rollout.policies import load_policy
from selfgrasp.viz.kinds import kind_of
from selfgrasp.workcell.cells.config import OptionValue
from selfgrasp.workcell.cells.kuka_bin import KUKA_BIN
from selfgrasp.workcell.cells.simulated import kuka_bin

if TYPE_CHECKING:
    from selfgrasp.papers.hand_eye.demo import Args

POLICY = "hand_eye"
_OBJECTS, _PX, _FILMED = 20, 160, 8


def play(args: Args) -> None:
    """Grasps from one full bin of unseen objects; a page with a film of each of the first reaches.

    Raises:
        InputError: fewer than one attempt, or a folder without meshes.
    """
    check_bounds(args)
    began = time.perf_counter()
    objects = objects_named("novel" if args.objects is None else str(args.objects))
    mine: dict[str, OptionValue] = {"count": min(_OBJECTS, len(objects)), "picture_px": _PX}
    cell = kuka_bin(objects, KUKA_BIN.options({**args.options, **mine}))
    played: list[Reach] = []
    with cell.cell as workcell, Progress("reach", args.attempts, unit="attempts") as progress:
        scene, goals = Purpose.BENCHMARK.first_scene(args.seed), [ANYTHING] * args.attempts
        for reach in reaches(workcell, load_policy(POLICY), scene, goals):
            played.append(reach)
            progress.update(len(played), f"{_held(played)} held")
        opening = workcell.spec.gripper.opening
    page = _page(args.out, played, opening)
    print(
        f"{_held(played)} of {len(played)} attempts held something; "
        f"{time.perf_counter() - began:.0f} s in all; report: {page}"
    )


def _held(played: Sequence[Reach]) -> int:
    return sum(reach.attempt.outcome.grasped for reach in played)


def _page(out: Path, played: Sequence[Reach], opening: float) -> Path:
    films = [
        film(out / "pictures" / f"reach-{index}.webp", reach, opening=opening)
        for index, reach in enumerate(played[:_FILMED])
    ]
    rows = [_row(index, reach) for index, reach in enumerate(played)]
    hero = element(
        "header",
        element("h1", f"{_held(played)} of {len(played)} reaches held something"),
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
    return write_report(page, out, films=len(films))


def _row(index: int, reach: Reach) -> tuple[object, ...]:
    scores = [step.score for step in reach.attempt.steps]
    return (
        index + 1,
        len(reach.plans),
        f"{scores[-1]:.2f}" if scores else "",
        kind_of(reach.attempt),
        reach.thing,
    )
