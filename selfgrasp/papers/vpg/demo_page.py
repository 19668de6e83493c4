"""The page of `selfgrasp demo vpg`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from selfgrasp.core import CellSpec, Context, Grasp, PolicyRef, Push
from selfgrasp.methods.vpg.config import Learning, VPGConfig
from selfgrasp.methods.vpg.method import VPG
from selfgrasp.papers.demos import pictured, truth_notes, write_report
from selfgrasp.papers.vpg.demo_case import Case
from selfgrasp.papers.vpg.demo_maps import map_picture, value_picture
from selfgrasp.papers.vpg.demo_steps import Run, best_of, why
from selfgrasp.papers.vpg.demo_words import came_of, counted, ending, headline
from selfgrasp.report.card import kind_mark
from selfgrasp.report.html import Page, figure, grid, image, note, paragraph, table, tiles
from selfgrasp.report.markup import element, join
from selfgrasp.vision.change import changed_area
from selfgrasp.viz.animate import Frame, animation
from selfgrasp.viz.heat import Span
from selfgrasp.viz.kinds import kind_of
from selfgrasp.workcell.attempt import Played


@dataclass(frozen=True, eq=False)
class Shown:
    """All that the page shows.

    Attributes:
        case: what stood there.
        ref: who cleared it.
        method: likewise.
        run: its actions.
        others: runs of other policies on the same table.
        frames: of the film; empty where there is none.
        spec: of the cell.
    """

    case: Case
    ref: PolicyRef
    method: VPG
    run: Run
    others: tuple[Run, ...]
    frames: tuple[Frame, ...]
    spec: CellSpec


def write_page(out: Path, shown: Shown) -> Path:
    """Writes the page and its film into the folder `out`; returns the page."""
    run = shown.run
    hero = element(
        "header",
        element("h1", headline(run)),
        paragraph(
            f"{shown.case.arrangement.name}: blocks that stand side by side, and a hand that opens "
            f"to {shown.spec.gripper.opening * 1e3:.0f} mm. Two networks give every place of a "
            "heightmap, in every direction, the value of a grasp and of a push; the most valuable "
            "action is done. Nobody told them when to push: they learned from what came of their "
            "own actions."
        ),
        tiles(_figures(run)),
        *_notes(shown),
    )
    page = Page(title="VPG · selfgrasp", hero=hero)
    page = page.section("The film", *_film_parts(out, shown))
    page = page.section("What it saw, and why it did what", *_step_parts(shown))
    page = page.section("The same table without learning", *_other_parts(shown))
    return write_report(page, out)


def _notes(shown: Shown) -> list[Markup]:
    stopped = f"Stopped after {counted(shown.run.actions, 'action')}."
    return [*truth_notes(shown.ref), *([] if shown.run.finished else [note(stopped)])]


def _figures(run: Run) -> list[tuple[object, object]]:
    helped = sum(after and not before for before, after in run.worths)
    needed = sum(not before for before, _ in run.worths)
    return [
        (f"{run.lifted} of {run.blocks}", "blocks lifted, by the simulator's count"),
        (f"{run.actions}", f"actions for {counted(run.blocks, 'block')}"),
        (f"{run.held} of {run.grasps}", "grasps held something, as the fingers felt"),
        (
            f"{helped} of {needed}",
            "pushes made the best grasp hold, of those before which it would not have",
        ),
    ]


def _film_parts(out: Path, shown: Shown) -> list[Markup]:
    run = shown.run
    rows = [
        (number, why(one.plans[-1]) if one.plans else "", kind_mark(kind_of(one.attempt)))
        for number, one in enumerate(run.played, start=1)
    ]
    listed = table(rows, head=("", "why", "what came"), numbers=(0,))
    if not shown.frames:
        return [note("No film: it was stopped before one was drawn."), listed]
    moving = animation(
        [frame.picture for frame in shown.frames],
        out / "pictures" / "clearing.webp",
        milliseconds=[frame.milliseconds for frame in shown.frames],
        quality=70,
        method=1,
    )
    pushes = counted(run.pushes, "push", "pushes")
    words = (
        f"{run.held} of {counted(run.grasps, 'grasp')} held, {pushes}; {ending(run)}. Green is "
        "what was chosen: an arrow is a push, a fork is a grasp."
    )
    return [grid(pictured(moving, words), listed)]


def _step_parts(shown: Shown) -> list[Markup]:
    """For each action the map, both heats, the reason, and what came."""
    if not shown.run.played:
        return [note("No action was done.")]
    lead = element(
        "p",
        "The heightmap from above, as the camera's depth and colors make it; the best value of a "
        "grasp and of a push at every place, ",
        join([f"{_span(shown).low:g}", element("span", class_="ramp"), f"{_span(shown).high:g}"]),
        f", with the direction of the best ones. {_weights(shown.method.config)}Green is what was "
        "done. After each push the best "
        "grasp is tried in the simulation from the state before it and from the state after it, "
        "and both are undone: the networks never hear of it.",
        class_="lead",
    )
    parts = [lead]
    for number, one in enumerate(shown.run.played, start=1):
        parts += _step(shown, number, one)
    return parts


def _weights(config: VPGConfig) -> str:
    """How the value of a push is compared with that of a grasp."""
    weight = config.discount if config.learning is Learning.ONE_STEP else 1.0
    patience, bias = config.patience, config.push_bias
    return (
        f"A push counts {weight:g} times its value"
        + (f", times {patience:g} for every push since something was held" if patience != 1 else "")
        + (f", minus {bias:g}" if bias else "")
        + ". "
    )


def _step(shown: Shown, number: int, one: Played) -> list[Markup]:
    before, after = one.attempt.before, one.attempt.after
    if before is None or not one.plans:
        return [element("h3", f"{number}. The camera gave no usable picture.")]
    plan, spec = one.plans[-1], shown.spec
    top = shown.method.map_of(Context(before, spec))
    later = top if after is None else shown.method.map_of(Context(after, spec))
    heading = element(
        "h3", f"{number}. ", kind_mark(kind_of(one.attempt)), element("small", why(plan))
    )
    breadth, surface = spec.gripper.finger_breadth, spec.workspace.surface
    cells = [
        figure(image(map_picture(top, plan.action, breadth=breadth), "heightmap"), "Heightmap")
    ]
    for name, kind in (("grasp", Grasp), ("push", Push)):
        heat = plan.maps.get(name)
        if heat is None:
            continue
        chosen = plan.action if isinstance(plan.action, kind) else None
        picture = value_picture(
            top, heat, chosen, surface=surface, span=_span(shown), breadth=breadth
        )
        best = best_of(plan, kind)
        words = f"Best {name}: {best:.2f}" if best is not None else f"No {name} is possible"
        cells.append(figure(image(picture, f"values of a {name}"), words))
    sentences = came_of(one, changed_area(top, later), shown.run.lost[number - 1])
    return [heading, paragraph(" ".join(sentences)), grid(*cells, class_="grid three")]


def _span(shown: Shown) -> Span:
    if shown.method.config.probable:
        return Span(0.0, 1.0)
    heats = [heat for one in shown.run.played for plan in one.plans for heat in plan.maps.values()]
    return Span(
        0.0, max((float(np.nanmax(heat.values, initial=0.0)) for heat in heats), default=1.0)
    )


def _other_parts(shown: Shown) -> list[Markup]:
    rows = [_row(shown.ref.label, shown.run), *(_row(one.policy, one) for one in shown.others)]
    lead = element(
        "p",
        "The depth heuristic looks for two edges that fingers fit around; it knows no push. Its "
        "second row pushes at random after each miss. Each clears the same arrangement once, so "
        "this is a look and no measurement: ",
        element("code", "selfgrasp bench arrangements"),
        " measures.",
        class_="lead",
    )
    head = ("policy", "blocks lifted", "lost", "actions", "pushes", "grasps that held", "ended")
    parts = [lead, table(rows, head=head, numbers=(1, 2, 3, 4, 5))]
    if not all(run.finished for run in (shown.run, *shown.others)) or not shown.others:
        parts.append(note("Not all was played: it was stopped."))
    return parts


def _row(label: str, run: Run) -> Sequence[object]:
    return (
        label,
        f"{run.lifted} of {run.blocks}",
        sum(run.lost),
        run.actions,
        run.pushes,
        f"{run.held} of {run.grasps}",
        ending(run),
    )
