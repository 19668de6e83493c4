"""What `selfgrasp demo dexnet` does: an object with its grasps and their analytic quality, what the
network sees of them, and a heap that it clears."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from selfgrasp.common.progress import Progress
from selfgrasp.common.seeds import Purpose
from selfgrasp.core import CellSpec, Context
from selfgrasp.core.bounds import check_bounds
from selfgrasp.methods.dexnet.method import DexNet
from selfgrasp.objects.named import objects_named
from selfgrasp.papers.dexnet.demo_crops import judge
from selfgrasp.papers.dexnet.demo_heat import heat_of
from selfgrasp.papers.dexnet.demo_object import choose_object
from selfgrasp.papers.dexnet.demo_page import Heap, Look, Shown, write_page
from selfgrasp.protocols.heap import FAILURES
from selfgrasp.rollout.policies import load_policy
from selfgrasp.viz.kinds import grasp_of
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.cells.config import OptionValue
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TABLETOP
from selfgrasp.workcell.play import Stop, Task, attempts
from selfgrasp.workcell.workcell import Workcell

if TYPE_CHECKING:
    from selfgrasp.papers.dexnet.demo import Args

POLICY = "dexnet"
_OBJECTS = 10


def play(args: Args) -> None:
    """Labels grasps of one object, asks the network about them, clears one heap, and writes a
    page.

    Raises:
        InputError: fewer than one attempt, a folder without meshes, or one of which nothing can be
            grasped.
    """
    check_bounds(args)
    began = time.perf_counter()
    method = load_policy(POLICY)
    assert isinstance(method, DexNet)
    name = "novel" if args.objects is None else str(args.objects)
    objects = objects_named(name)
    mine: dict[str, OptionValue] = {"count": min(_OBJECTS, len(objects))}
    cell = tabletop(objects, TABLETOP.options({**mine, **args.options}))
    with cell.cell as workcell:
        spec = workcell.spec
        thing = choose_object(objects, spec.gripper, np.random.default_rng(args.seed), name=name)
        judged = judge(method, thing, spec)
        heap = _cleared(workcell, method, args)
    look = _first_look(method, heap, spec)
    page = write_page(args.out, Shown(thing, judged, heap, look, spec, method.config))
    print(
        f"{heap.held} of {len(heap.played)} grasps held, {heap.lifted} of {heap.placed} objects "
        f"lifted; {time.perf_counter() - began:.0f} s in all; report: {page}"
    )


def _cleared(workcell: Workcell, method: DexNet, args: Args) -> Heap:
    scene = Purpose.BENCHMARK.first_scene(args.seed)
    stop = Stop(most=args.attempts, failures=FAILURES)
    playing = attempts(workcell, method, Task(scene), ids=Ids("demo", scene, 0), stop=stop)
    played: list[Played] = []
    with Progress("grasp", args.attempts, unit="attempts") as progress:
        while True:
            try:
                played.append(next(playing))
            except StopIteration as end:
                return Heap(tuple(played), end.value)
            held = sum(one.attempt.outcome.grasped for one in played)
            progress.update(len(played), f"{held} held")


def _first_look(method: DexNet, heap: Heap, spec: CellSpec) -> Look | None:
    """None where nothing was seen."""
    first = heap.played[0] if heap.played else None
    if first is None or first.attempt.before is None:
        return None
    seen = first.attempt.before
    return Look(
        seen.view(method.config.view),
        heat_of(method, Context(seen, spec)),
        tuple(plan.maps["quality"] for plan in first.plans if "quality" in plan.maps),
        grasp_of(first.attempt),
    )
