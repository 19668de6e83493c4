"""`selfgrasp demo hand_eye`: the shipped weights at work, and a film of what they thought at every look."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfgrasp.core import Attempt, Plan
    from selfgrasp.viz.markup import Markup

POLICY = "hand_eye"
_OBJECTS, _PX, _FILMED = 20, 160, 8


@dataclass(frozen=True, eq=False)
class _Reach:
    attempt: Attempt
    plans: tuple[Plan, ...]
    thing: str


def play(out: Path, *, objects: str, attempts: int, seed: int, options: Any) -> int:
    """Grasps from one full bin of unseen objects; a page with a film of each of the first reaches.

    Args:
        out: folder of the page.
        objects: name of an object set, or a folder of meshes.
        attempts: how many grasps.
        seed: of the scene.
        options: of the cell.

    Raises:
        InputError: fewer than one grasp.
    """
    from selfgrasp.core import InputError
    from selfgrasp.runs.bench import FIRST_SCENE
    from selfgrasp.runs.policies import load_policy
    from selfgrasp.runs.pool import objects_named
    from selfgrasp.runs.progress import Progress
    from selfgrasp.workcell.cells import make_cell
    from selfgrasp.workcell.workcell import Ids

    if attempts < 1:
        raise InputError(given=f"--scenes {attempts}", wanted="at least 1")
    began = time.perf_counter()
    things = objects_named(objects)
    cell = make_cell("kuka_bin", things, replace(options, count=min(_OBJECTS, len(things)), picture_px=_PX))
    policy = load_policy(POLICY)
    reaches: list[_Reach] = []
    scene = FIRST_SCENE + 10_000 * seed
    with cell.cell as workcell, Progress("reach", attempts, unit="attempts") as progress:
        before = workcell.reset(scene)
        for index in range(attempts):
            if not cell.remaining():
                break
            played = workcell.attempt(policy, Ids("demo", scene, index), before=before)
            truth = {label.name: label.value for label in played.labels}
            reaches.append(_Reach(played.attempt, played.plans, str(truth.get("truth.object", ""))))
            before = played.attempt.after
            if played.attempt.outcome.grasped:
                workcell.set_aside()
                before = None
            progress.update(index + 1, f"{sum(r.attempt.outcome.grasped for r in reaches)} held")
        opening = workcell.spec.gripper.opening
    page = _page(out, reaches, opening)
    held = sum(r.attempt.outcome.grasped for r in reaches)
    print(f"{held} of {len(reaches)} attempts held something; {time.perf_counter() - began:.0f} s in all; report: {page}")
    return 0


def _page(out: Path, reaches: list[_Reach], opening: float) -> Path:
    from selfgrasp.viz.animate import animation
    from selfgrasp.viz.markup import element
    from selfgrasp.viz.page import Page, grid, paragraph, table
    from selfgrasp.viz.reach import reach_frames

    pictures = out / "pictures"
    films: list[Markup] = []
    for index, reach in enumerate(reaches[:_FILMED]):
        frames = reach_frames(reach.attempt, reach.plans, opening=opening)
        path = animation([f.picture for f in frames], pictures / f"reach-{index}.webp", milliseconds=[f.milliseconds for f in frames])
        films.append(_film(path, reach))
    rows = [_row(index, reach) for index, reach in enumerate(reaches)]
    held = sum(r.attempt.outcome.grasped for r in reaches)
    hero = element(
        "header", element("h1", f"{held} of {len(reaches)} reaches held something"),
        paragraph(
            "A colour camera over the shoulder, of which the policy reads no calibration, and objects that no training saw. At every look the ends of the best "
            "motions are drawn in the colours of their chances, from purple to yellow; the arrow leads to where the next one ends."
        ),
    )  # fmt: skip
    page = Page(title="hand-eye coordination · selfgrasp", hero=hero).section("Reaches", grid(*films))
    page = page.section("All attempts", table(rows, head=("", "looks", "chance", "what came", "thing"), numbers=(0, 1, 2)))
    path = out / "report.html"
    size = page.write(path)
    print(f"{len(films)} films, {size / 1e6:.1f} MB", file=sys.stderr)
    return path


def _film(path: Path, reach: _Reach) -> Markup:
    from selfgrasp.viz.kinds import kind_of
    from selfgrasp.viz.page import figure
    from selfgrasp.viz.picture import image

    words = f"{kind_of(reach.attempt)} after {len(reach.attempt.steps)} actions"
    return figure(image(path, words), f"{words}{f': {reach.thing}' if reach.thing else ''}")


def _row(index: int, reach: _Reach) -> tuple[object, ...]:
    from selfgrasp.viz.kinds import kind_of

    scores = [step.score for step in reach.attempt.steps]
    return index + 1, len(reach.plans), f"{scores[-1]:.2f}" if scores else "", kind_of(reach.attempt), reach.thing
