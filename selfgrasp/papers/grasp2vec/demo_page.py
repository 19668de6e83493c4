"""The page of `selfgrasp demo grasp2vec`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from selfgrasp.core import CellSpec, PolicyRef, View
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.papers.demos import pictured, truth_notes, write_report
from selfgrasp.papers.grasp2vec.demo_goals import Bin
from selfgrasp.papers.grasp2vec.demo_steps import GOAL, Fetched, came_of
from selfgrasp.papers.reaches import film
from selfgrasp.report.html import Page, grid, note, paragraph, table
from selfgrasp.report.markup import element
from selfgrasp.vision.square_crop import held_crop
from selfgrasp.viz.heat_picture import heat_picture
from selfgrasp.viz.picture import Color, Picture, upscale, write_text
from selfgrasp.viz.rows import fitted, in_a_row

_SIDE = 320
"""px of the pictures of goals and of what was held."""
_SIGN: Color = (255, 255, 255)
_HELD_SIZE = 0.16
"""m around the fingertips that pictures in the hand show on the page."""


@dataclass(frozen=True, eq=False)
class Shown:
    """All that the page shows.

    Attributes:
        ref: who fetched.
        method: likewise.
        spec: of the cell.
        bin: what lay there, and what was asked for.
        fetched: the goals so far, in order.
    """

    ref: PolicyRef
    method: Grasp2Vec
    spec: CellSpec
    bin: Bin
    fetched: tuple[Fetched, ...]


def headline(fetched: Sequence[Fetched]) -> str:
    """What all came to."""
    known = [one for one in fetched if one.right is not None]
    return f"{sum(bool(one.right) for one in known)} of {len(known)} goals done right"


def write_page(out: Path, shown: Shown) -> Path:
    """Writes the page and its films into the folder `out`; returns the page."""
    hero = element(
        "header",
        element("h1", headline(shown.fetched)),
        paragraph(
            "Six vessels in a bin, asked for by pictures. Two networks make vectors of pictures: "
            "of the bin, and of what the hand holds. Nobody named anything: they learned from "
            "grasps alone that the bin before a grasp, less the bin after it, is what was held. "
            "A picture's vector finds its object in the bin, and the same arithmetic says "
            "afterwards whether it was the right one."
        ),
        *_notes(shown),
    )
    page = Page(title="Grasp2Vec · selfgrasp", hero=hero)
    page = page.section(
        "The bin",
        *_bin_parts(shown),
        lead="What lies there, and each of it as the hand holds it, after a drop of its own. The "
        "names are for this page: the robot never hears them.",
    )
    for number, one in enumerate(shown.fetched, start=1):
        name = one.wanted.name or one.wanted.words
        heading = f"{number}. {name}: {came_of(one)}"
        page = page.section(heading, *_goal_parts(out, number, shown, one))
    page = page.section("All goals", _all(shown))
    return write_report(page, out, films=len(shown.fetched))


def _notes(shown: Shown) -> list[Markup]:
    words = []
    if shown.method.not_found_threshold is None:
        words.append(
            "This policy has no threshold below which an object counts as not there: it always "
            "tries."
        )
    missing = len(shown.bin.wanted) - len(shown.fetched)
    if missing:
        words.append(f"It was stopped: {missing} of {len(shown.bin.wanted)} goals are missing.")
    return [*truth_notes(shown.ref), *map(note, words)]


def _bin_parts(shown: Shown) -> list[Markup]:
    cells = [
        pictured(_object_picture(shown, view), name) for name, view in shown.bin.presented.items()
    ]
    return [
        grid(pictured(upscale(shown.bin.view.color, 3), "the bin"), grid(*cells, class_="strip"))
    ]


def _object_picture(shown: Shown, view: View) -> Picture:
    """What a picture of an object shows of it."""
    if view.is_calibrated:
        return held_crop(view, shown.spec, _HELD_SIZE, _SIDE).color
    return fitted(view.color, _SIDE, most_width=_SIDE)


def _goal_parts(out: Path, number: int, shown: Shown, one: Fetched) -> list[Markup]:
    attempt = one.reach.attempt
    assert attempt.before is not None
    threshold = shown.method.not_found_threshold
    said = f"Where it is thought to be: similarity of the likeliest place {one.similarity:.2f}"
    if threshold is not None:
        said += f", threshold {threshold:.2f}"
    cells = [
        pictured(_object_picture(shown, one.wanted.picture), f"The goal: {one.wanted.words}"),
        pictured(heat_picture(attempt.before.view(), one.heat, scale=3), said),
        film(
            out / "pictures" / f"fetch-{number}.webp",
            one.reach,
            opening=shown.spec.gripper.opening,
            scale=3,
        ),
    ]
    parts = [grid(*cells, class_="grid three")]
    if not one.tried:
        return [*parts, note("Not in the bin: nothing was tried.")]
    parts.append(paragraph(_told(one)))
    if not one.likeness:
        return [*parts, note("Nothing was held, so there is no difference to reckon with.")]
    return [*parts, *_arithmetic(shown, one)]


def _told(one: Fetched) -> str:
    """Of all attempts for a goal, and of what was held in the last one."""
    count = "One attempt" if one.tries == 1 else f"{one.tries} attempts; the last one is shown"
    dropped = f" Held before and dropped: {', '.join(one.dropped)}." if one.dropped else ""
    said = one.verdict
    if said is None:
        return f"{count}. In the last one nothing was held.{dropped}"
    alike = (
        "" if said.similarity is None else f", its cosine with the goal is {said.similarity:.2f}"
    )
    return f"{count}. What is held is {'accepted' if said.accepted else 'dropped'}{alike}.{dropped}"


def _arithmetic(shown: Shown, one: Fetched) -> list[Markup]:
    attempt = one.reach.attempt
    assert attempt.before is not None
    assert attempt.after is not None
    assert attempt.present is not None
    sides = [
        fitted(attempt.before.view().color, _SIDE),
        fitted(attempt.after.view().color, _SIDE),
        held_crop(attempt.present, shown.spec, _HELD_SIZE, _SIDE).color,
    ]
    for side, sign in zip(sides[1:], "-=", strict=True):
        write_text(side, sign, at=(8, _SIDE // 2), size=56, color=_SIGN, anchor="lm", halo=4)
    goal, *others = sorted(one.likeness.items(), key=lambda item: item[0] != GOAL)
    rows = [
        (element("b", name) if name == GOAL else name, f"{how.difference:.2f}", f"{how.held:.2f}")
        for name, how in (goal, *sorted(others, key=lambda item: -item[1].difference))
    ]
    listed = table(rows, head=("cosine with", "before - after", "what is held"), numbers=(1, 2))
    words = (
        f"Before - after = held. Cosines with the goal: {goal[1].difference:.2f} of the "
        f"difference, {goal[1].held:.2f} of what is held."
    )
    return [grid(pictured(in_a_row(sides), words), listed)]


def _all(shown: Shown) -> Markup:
    rows = []
    for number, one in enumerate(shown.fetched, start=1):
        goal = one.likeness.get(GOAL)
        rows.append(
            (
                number,
                one.wanted.name,
                one.wanted.words,
                f"{one.similarity:.2f}",
                came_of(one),
                "" if goal is None else f"{goal.held:.2f}",
                one.tries,
                {True: "yes", False: "no", None: "nobody knows"}[one.right],
            )
        )
    return table(
        rows,
        head=(
            "",
            "object",
            "asked for by",
            "likeliest place",
            "what came",
            "held to goal",
            "attempts",
            "right",
        ),
        numbers=(0, 3, 5, 6),
    )
