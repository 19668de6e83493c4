"""The page of `selfgrasp demo dexnet`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from markupsafe import Markup

from selfgrasp.core import CellSpec, Grasp, Heat, View
from selfgrasp.methods.dexnet.config import ROBUST, DexNetConfig
from selfgrasp.papers.demos import write_report
from selfgrasp.papers.dexnet.demo_crops import Judged, crop_tiles, numbered_picture
from selfgrasp.papers.dexnet.demo_heat import BELOW_TOP, CELL, YAWS
from selfgrasp.papers.dexnet.demo_object import GraspedObject, around
from selfgrasp.protocols.heap import FAILURES
from selfgrasp.report.card import kind_mark
from selfgrasp.report.html import (
    Page,
    figure,
    gallery,
    grid,
    image,
    note,
    paragraph,
    table,
    tiles,
)
from selfgrasp.report.markup import element, join
from selfgrasp.viz.animate import Take, animation, clearing_film
from selfgrasp.viz.contact_lines import contact_lines
from selfgrasp.viz.heat import Span, heat_overlay
from selfgrasp.viz.kinds import kind_of
from selfgrasp.viz.picture import depth_picture
from selfgrasp.workcell.attempt import Played
from selfgrasp.workcell.play import Episode

_FRAME_MS = 110


@dataclass(frozen=True, eq=False)
class Heap:
    """A heap and the attempts on it."""

    played: tuple[Played, ...]
    episode: Episode

    @property
    def held(self) -> int:
        """Attempts that held something, as the fingers felt."""
        return self.episode.judged

    @property
    def lifted(self) -> int:
        """Objects that were lifted."""
        return sum(len(one.lifted or ()) for one in self.played)

    @property
    def placed(self) -> int:
        """Objects that lay there at first."""
        return len(self.episode.placed or ())

    @property
    def ending(self) -> str:
        """What is left, in words."""
        left, lost = len(self.episode.left or ()), self.episode.lost or 0
        gone = f", {lost} left the workspace" if lost else ""
        return f"{left} left{gone}" if left else f"nothing is left{gone}"


@dataclass(frozen=True, eq=False)
class Look:
    """The first look at the heap, what the network thinks of it, and the grasp that was done."""

    view: View
    heat: Heat
    scored: tuple[Heat, ...]
    chosen: Grasp | None


@dataclass(frozen=True, eq=False)
class Shown:
    """All that the page shows."""

    thing: GraspedObject
    judged: Judged
    heap: Heap
    look: Look | None
    spec: CellSpec
    config: DexNetConfig


def write_page(out: Path, shown: Shown) -> Path:
    """Writes the page and its films into the folder `out`; returns the page."""
    heap = shown.heap
    hero = element(
        "header",
        element("h1", f"{heap.held} of {len(heap.played)} grasps in a heap held something"),
        paragraph(
            "A network learned from shapes alone which grasps are robust: nothing was executed to "
            "train it. It judges crops of a depth picture, and the best of the grasps that it "
            "was asked about is done."
        ),
        tiles(_figures(heap)),
    )
    page = Page(title="Dex-Net 2.0 · selfgrasp", hero=hero)
    page = page.section("An object and its grasps", *_object_parts(out, shown))
    page = page.section("What the network sees", *_crop_parts(shown))
    page = page.section("Where it would grasp in a heap", *_heat_parts(shown))
    page = page.section("The heap", *_heap_parts(out, shown))
    return write_report(page, out)


def _figures(heap: Heap) -> list[tuple[object, object]]:
    planned = heap.episode.plan_seconds / max(1, len(heap.played))
    return [
        (f"{heap.held} of {len(heap.played)}", "grasps held something, as the fingers felt"),
        (f"{heap.lifted} of {heap.placed}", "objects lifted, by the simulator's count"),
        (f"{planned * 1e3:.0f} ms", "a plan"),
    ]


def _object_parts(out: Path, shown: Shown) -> list[Markup]:
    """The object turned about, beside the depth picture in which the network sees it."""
    thing, gripper = shown.thing, shown.spec.gripper
    frames = [
        contact_lines(view, thing.contacts, thing.shares) for view in around(thing.lying, gripper)
    ]
    moving = animation(
        frames, out / "pictures" / "object.webp", milliseconds=_FRAME_MS, quality=80, method=2
    )
    robust = int((thing.quality > ROBUST.above).sum())
    count = len(thing.grasps)
    words = (
        f"{thing.lying.item.name}: {count} grasps from above, drawn on its surface, each a line "
        f"from finger to finger. Robust: {robust}."
    )
    beside = numbered_picture(shown.judged, breadth=gripper.finger_breadth)
    other = (
        "The same object in depth, from where the robot's camera is, near bright and far dark, "
        "with some of the grasps: their numbers are those of the crops below."
    )
    lead = element(
        "p",
        "Colour: robust epsilon quality ",
        join(["0", element("span", class_="ramp"), f"{2 * ROBUST.above:g} and more"]),
        ", the mean over 100 draws of what is not known exactly (poses of object and hand, "
        f"friction). Above {ROBUST.above:g}, the middle of the scale, a grasp is called robust; it "
        "is 0 where the open hand would collide.",
        class_="lead",
    )
    return [lead, grid(figure(image(moving, words), words), figure(image(beside, other), other))]


def _crop_parts(shown: Shown) -> list[Markup]:
    judged, config = shown.judged, shown.config
    pictures = crop_tiles(judged, config, breadth=shown.spec.gripper.finger_breadth)
    cards = []
    for number, picture in enumerate(pictures):
        quality = judged.quality[number]
        robust = "robust" if quality > ROBUST.above else "not robust"
        label = f"{quality:.4f}, {robust}" if judged.free[number] else "collides"
        words = join(
            [
                element("b", f"{number + 1}"),
                f" label: {label}",
                element("br"),
                f"network: {judged.probabilities[number]:.2f}",
            ]
        )
        cards.append(figure(image(picture, f"crop of grasp {number + 1}"), words))
    side = config.pixels
    lead = element(
        "p",
        f"Crops of {side} x {side} px, {config.crop_size * 100:.1f} cm wide, turned so that the "
        "fingers close from left and right; the frame has the colour of the label. The network "
        "sees a crop and the height of the fingertips, and says how probably the grasp is robust.",
        class_="lead",
    )
    return [lead, gallery(cards)]


def _heat_parts(shown: Shown) -> list[Markup]:
    """The first look at the heap: its depth, the heat, and what the first plan scored."""
    look, spec, breadth = shown.look, shown.spec, shown.spec.gripper.finger_breadth
    if look is None:
        return [note("No grasp was planned.")]
    surface, view = spec.workspace.surface, look.view
    gray = replace(view, color=np.repeat(view.color.mean(axis=2, keepdims=True), 3, 2).astype("u1"))
    pictures = []
    if view.depth is not None:
        words = "Depth, near bright and far dark; grey is no return."
        pictures.append((depth_picture(view.depth), words))
    words = (
        f"The best probability at places {CELL * 1e3:.0f} mm apart, each in {YAWS} directions, "
        f"fingertips {BELOW_TOP * 1e3:.0f} mm below the top."
    )
    span = Span(0.0, 1.0)
    pictures.append((heat_overlay(gray, look.heat, surface=surface, span=span, bars=0), words))
    first = shown.config.outputs[0]
    for scored in look.scored:
        best = float(np.nanmax(scored.values, initial=0.0))
        words = (
            f"What the plan asked about: the probability that {first.label} is above "
            f"{first.above:g}. Yellow is its best, {best:.2f}; the grasp is the one that was done."
        )
        picture = heat_overlay(
            gray,
            scored,
            surface=surface,
            chosen=look.chosen,
            span=Span(0.0, max(best, 1e-3)),
            breadth=breadth,
        )
        pictures.append((picture, words))
    lead = element(
        "p",
        "Colour: probability of a robust grasp, ",
        join(["0", element("span", class_="ramp"), "1"]),
        ".",
        class_="lead",
    )
    figures = [figure(image(picture, words), words) for picture, words in pictures]
    return [lead, grid(*figures, class_="grid three")]


def _heap_parts(out: Path, shown: Shown) -> list[Markup]:
    played = shown.heap.played
    takes = [take for one in played if (take := Take.of(one.attempt, shown.config.view))]
    lead = element(
        "p",
        f"Grasped until nothing is left, {FAILURES} grasps in a row have failed, or the attempts "
        "are over. The probability is that of a robust grasp; many grasps that are not called "
        "robust hold, too.",
        class_="lead",
    )
    rows = [_row(number, one) for number, one in enumerate(played, start=1)]
    listed = table(rows, head=("", "probability", "what came", "lifted"), numbers=(0, 1))
    if not takes:
        return [lead, listed]
    frames = clearing_film(
        takes, title=played[0].attempt.policy, breadth=shown.spec.gripper.finger_breadth
    )
    moving = animation(
        [frame.picture for frame in frames],
        out / "pictures" / "heap.webp",
        milliseconds=[frame.milliseconds for frame in frames],
    )
    words = f"{shown.heap.held} held in {len(played)} attempts; {shown.heap.ending}."
    return [lead, grid(figure(image(moving, words), words), listed)]


def _row(number: int, one: Played) -> Sequence[object]:
    scores = [step.score for step in one.attempt.steps]
    return (
        number,
        f"{scores[-1]:.2f}" if scores else "",
        kind_mark(kind_of(one.attempt)),
        ", ".join(thing.name for thing in one.lifted or ()),
    )
