"""What `selfgrasp demo semantic` does: "bring me the spoon", from a bin of unseen things, with the
shipped weights; what it looked at, thought and lifted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfgrasp.common.progress import Progress
from selfgrasp.common.seeds import Purpose
from selfgrasp.core import Context, Goal, InputError, unknown_name
from selfgrasp.core.bounds import check_bounds
from selfgrasp.methods.semantic.maps import ValueMaps, value_maps
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.objects.named import objects_named
from selfgrasp.papers.demos import pictured, write_report
from selfgrasp.papers.reaches import Reach, film, reaches
from selfgrasp.protocols.category import CATEGORY
from selfgrasp.report.html import Page, grid, paragraph, table
from selfgrasp.report.markup import element
from selfgrasp.rollout.policies import load_policy
from selfgrasp.viz.draw import Canvas
from selfgrasp.viz.heat import Span, heat_overlay
from selfgrasp.viz.picture import Picture, write_text
from selfgrasp.workcell.cells.config import OptionValue
from selfgrasp.workcell.cells.kuka_bin import KUKA_BIN
from selfgrasp.workcell.cells.simulated import SimCell, kuka_bin

if TYPE_CHECKING:
    from selfgrasp.papers.semantic.demo import Args

POLICY = "semantic"
_COUNT, _PX, _TRIES = 8, 224, 200


@dataclass(frozen=True, eq=False)
class _Fetched:
    reach: Reach
    maps: ValueMaps

    @property
    def correct(self) -> bool:
        reach = self.reach
        return reach.asked in reach.families or (
            not reach.attempt.steps and reach.asked not in reach.there
        )


def play(args: Args) -> None:
    """One bin with a thing of the category in it: bring it, then others, then one that is not
    there.

    Raises:
        InputError: an unknown category, fewer than one command, or a seed whose bins have nothing
            of the category.
    """
    check_bounds(args)
    method = load_policy(POLICY)
    assert isinstance(method, Semantic)
    if args.ask not in method.config.categories:
        raise unknown_name("category", args.ask, method.config.categories)
    began = time.perf_counter()
    mine: dict[str, OptionValue] = {"count": _COUNT, "picture_px": _PX, "mixture": "apart"}
    options = KUKA_BIN.options({**args.options, **mine})
    cell = kuka_bin(objects_named(CATEGORY.sets[args.objects]), options)
    fetched: list[_Fetched] = []
    with cell.cell as workcell:
        scene, wanted = _bin_with(cell, args.ask, args.seed, method)
        goals = [Goal(category) for category in wanted[: args.commands]]
        with Progress("fetch", len(goals), unit="commands") as progress:
            for reach in reaches(workcell, method, scene, goals):
                before = reach.attempt.before
                assert before is not None
                maps = value_maps(method, Context(before, workcell.spec, Goal(reach.asked)))
                fetched.append(_Fetched(reach, maps))
                progress.update(len(fetched), _brought(fetched[-1]))
        spec = workcell.spec
    page = _page(args.out, fetched, spec.gripper.opening, spec.workspace.surface)
    for one in fetched:
        print(f"bring me the {_said(one.reach.asked)}: {_brought(one)}")
    print(
        f"{sum(one.correct for one in fetched)} of {len(fetched)} right; "
        f"{time.perf_counter() - began:.0f} s in all; report: {page}"
    )


def _bin_with(cell: SimCell, ask: str, seed: int, method: Semantic) -> tuple[int, list[str]]:
    """A scene with a thing of the category; it, all others that lie there, and one that does not,
    in the order in which they are asked for."""
    first = Purpose.BENCHMARK.first_scene(seed)
    for scene in range(first, first + _TRIES):
        cell.cell.reset(scene)
        there = [placed.model.family for placed in cell.world.placed]
        if ask in there:
            missing = [category for category in method.config.categories if category not in there][
                :1
            ]
            others = [
                category
                for category in there
                if category != ask and category in method.config.categories
            ]
            return scene, [ask, *others[:3], *missing, *others[3:]]
    raise InputError(
        given=f"--ask {ask}",
        wanted=f"a category of which something lies in one of {_TRIES} bins, or another --seed",
    )


def _said(category: str) -> str:
    return category.replace("_", " ")


def _brought(one: _Fetched) -> str:
    reach = one.reach
    if not reach.attempt.steps:
        return f"not found, and {'there' if reach.asked in reach.there else 'not there'}"
    return (
        "nothing lifted"
        if not reach.families
        else f"a {' and a '.join(_said(family) for family in reach.families)}"
    )


def _page(out: Path, fetched: Sequence[_Fetched], opening: float, surface: float) -> Path:
    hero = element(
        "header",
        element(
            "h1", f"{sum(one.correct for one in fetched)} of {len(fetched)} commands done right"
        ),
        paragraph(
            "For each command: the reach, look by look; where the dorsal stream would grasp, "
            "whatever it is; where the ventral stream sees what was asked for; "
            "and what it takes the best places to hold. A command that asks for what is not "
            "there is done right where nothing is tried."
        ),
    )
    page = Page(title="semantic grasping · selfgrasp", hero=hero)
    for index, one in enumerate(fetched):
        moving = film(out / "pictures" / f"fetch-{index}.webp", one.reach, opening=opening, scale=3)
        panels = [
            pictured(picture, words)
            for picture, words in map_pictures(one.reach, one.maps, surface)
        ]
        page = page.section(
            f"Bring me the {_said(one.reach.asked)}: {_brought(one)}", grid(moving, *panels)
        )
    firsts = [one.reach.plans[0] for one in fetched]
    rows = [
        (
            _said(one.reach.asked),
            len(one.reach.plans),
            f"{first.score:.2f}" if first.actions else first.reason,
            _brought(one),
        )
        for one, first in zip(fetched, firsts, strict=True)
    ]
    page = page.section(
        "All commands",
        table(
            rows, head=("asked for", "looks", "chance at the first one", "brought"), numbers=(1,)
        ),
    )
    return write_report(page, out, films=len(fetched))


def map_pictures(reach: Reach, maps: ValueMaps, surface: float) -> list[tuple[Picture, str]]:
    """Where to grasp, where the asked category is, and what lies at the best places, over the first
    look (Jang et al. 2017, figures 1 and 2)."""
    before = reach.attempt.before
    assert before is not None
    view, whole = before.view(), Span(0.0, 1.0)
    canvas = Canvas(view, scale=3)
    for at, name, chance in maps.labelled():
        canvas.dot(at, (255, 210, 90))
        x, y = canvas.pixels(at)[0]
        write_text(
            canvas.picture,
            f"{_said(name)} {chance:.2f}",
            at=(int(x) + 8, int(y)),
            size=18,
            color=(255, 255, 255),
            anchor="lm",
            halo=2,
        )
    return [
        (
            heat_overlay(view, maps.grasp, surface=surface, span=whole, bars=24),
            "where to grasp: the chance of holding anything",
        ),
        (
            heat_overlay(view, maps.of(reach.asked), surface=surface, span=whole, bars=0),
            f"where a {_said(reach.asked)} would be held",
        ),
        (canvas.picture, "what the best places would hold"),
    ]
