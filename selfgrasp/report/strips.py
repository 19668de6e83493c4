"""The first scenes as film strips: the look before each attempt, what was done and what came of
it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from selfgrasp.report.card import kind_mark
from selfgrasp.report.html import image
from selfgrasp.report.markup import element
from selfgrasp.report.story_parts import Strip
from selfgrasp.viz.kinds import HELD

STRIPS_LEAD = (
    "The benchmark's first scenes, the same for every policy. Each picture is the look before an "
    "attempt, with the grasp in the colour of what came of it."
)


def strip_rows(strips: Sequence[Strip]) -> list[Markup]:
    """A heading a scene and a row a policy; scenes of one attempt each stand in one row."""
    parts = []
    for source in dict.fromkeys(strip.source for strip in strips):
        some = [strip for strip in strips if strip.source == source]
        single = all(strip.attempts == 1 for strip in some)
        groups = [some] if single else _by_scene(some)
        for number, group in enumerate(groups, start=1):
            title = "First scenes" if single else f"Scene {number}"
            parts.append(element("h3", title, element("small", f"of “{source}”")))
            parts += _rows(group)
    return parts


def _by_scene(strips: Sequence[Strip]) -> list[list[Strip]]:
    scenes = sorted({strip.scene for strip in strips})
    return [[strip for strip in strips if strip.scene == scene] for scene in scenes]


def _rows(strips: Sequence[Strip]) -> list[Markup]:
    """A row for each policy among the strips."""
    rows = []
    for policy in dict.fromkeys(strip.policy for strip in strips):
        mine = [strip for strip in strips if strip.policy == policy]
        frames = [frame for strip in mine for frame in _frames(strip)]
        attempts = sum(strip.attempts for strip in mine)
        held = sum(kind == HELD for strip in mine for kind in strip.kinds)
        shown = len(frames)
        words = f"{held} held in {shown}" + (f", {attempts} in all" if attempts > shown else "")
        lost = sum(strip.lost or 0 for strip in mine)
        words += f", {lost} lost" if lost else ""
        who = element("div", element("b", policy), element("span", words), class_="strip-who")
        rows.append(
            element("div", who, element("div", *frames, class_="strip"), class_="strip-row")
        )
    return rows


def _frames(strip: Strip) -> list[Markup]:
    found = []
    shown = zip(strip.frames, strip.kinds, strip.goals, strip.lifted, strict=True)
    for number, (file, kind, goal, lifted) in enumerate(shown, start=1):
        words: list[object] = [f"{number} "] if strip.attempts > 1 else []
        words.append(kind_mark(kind))
        if goal:
            words.append(f" asked: {_plain(goal)}")
            words.append(f", lifted: {_plain(lifted)}" if lifted and lifted != goal else "")
        alt = f"{strip.policy}, scene {strip.scene}, attempt {number}: {kind}"
        found.append(element("figure", image(file, alt), element("figcaption", *words)))
    return found


def _plain(name: str) -> str:
    return name.replace("_", " ").replace(",", ", ")
