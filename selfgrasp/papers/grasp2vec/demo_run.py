"""What `selfgrasp demo grasp2vec` does: fetches vessels from a bin by pictures of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from selfgrasp.common.progress import Progress
from selfgrasp.common.seeds import Purpose
from selfgrasp.core import Goal, InputError, PolicyRef, Verdict
from selfgrasp.core.bounds import check_bounds
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.objects.named import objects_named
from selfgrasp.papers.demos import leaving_its_page
from selfgrasp.papers.grasp2vec.demo_goals import Bin, laid_out
from selfgrasp.papers.grasp2vec.demo_page import Shown, headline, write_page
from selfgrasp.papers.grasp2vec.demo_steps import Fetched, came_of, fetched
from selfgrasp.papers.reaches import Reach
from selfgrasp.protocols.fetch import Fetching
from selfgrasp.protocols.instance import INSTANCE_PROTOCOL, OBJECTS, Asked
from selfgrasp.rollout.policies import load_policy, resolve
from selfgrasp.workcell.attempt import Ids, Played
from selfgrasp.workcell.cells.config import OptionValue
from selfgrasp.workcell.cells.kuka_bin import KUKA_BIN
from selfgrasp.workcell.cells.simulated import kuka_bin
from selfgrasp.workcell.play import Task
from selfgrasp.workcell.workcell import Workcell

if TYPE_CHECKING:
    from selfgrasp.papers.grasp2vec.demo import Args

_PX = 224
_Attempt = tuple[Asked, Played, Verdict | None]
"""What it was for, what was done, and what was said of what was held."""


def play(args: Args) -> int:
    """Lays out a bin, asks for what lies there and for what does not, and writes a page; returns
    the exit code. Ctrl-C ends it after the attempt that is being made, with a page of what there
    is.

    Raises:
        InputError: a policy that is none of grasp2vec, a file without a picture, or wrong options.
    """
    check_bounds(args)
    return leaving_its_page(lambda stop: _play(args, stop))


def _play(args: Args, stop: threading.Event) -> None:
    began, ref = time.perf_counter(), resolve(args.policy)
    method = _method(ref)
    options: dict[str, OptionValue] = {"count": OBJECTS, "picture_px": _PX, **args.options}
    objects = objects_named(INSTANCE_PROTOCOL.sets[args.objects])
    with kuka_bin(objects, KUKA_BIN.options(options)) as cell:
        scene = Purpose.BENCHMARK.first_scene(args.seed)
        filled = laid_out(cell, scene, args.object, stop)
        done = _fetched(cell.cell, method, filled, stop)
        if not done:
            # Ctrl-C came before the first attempt had ended.
            raise KeyboardInterrupt
        spec = cell.cell.spec
    page = write_page(args.out, Shown(ref, method, spec, filled, tuple(done)))
    for one in done:
        print(f"{one.wanted.title}: {came_of(one)}")
    words = "stopped: " if stop.is_set() else ""
    print(f"{words}{headline(done)}; {time.perf_counter() - began:.0f} s in all; report: {page}")


def _method(ref: PolicyRef) -> Grasp2Vec:
    method = load_policy(ref)
    if not isinstance(method, Grasp2Vec):
        raise InputError(
            given=f"--policy {ref.label}",
            wanted="grasp2vec, or the path of a run's folder or of a checkpoint of grasp2vec",
        )
    return method


def _fetched(
    cell: Workcell, method: Grasp2Vec, filled: Bin, stop: threading.Event
) -> list[Fetched]:
    """Each goal until what is held is accepted, as in `fetch`; what is lifted falls back, so that
    the bin stays the same."""
    done: list[Fetched] = []
    asked = [Asked(str(n), Goal(image=one.picture)) for n, one in enumerate(filled.wanted)]
    playing = Fetching(method, cell, asked).attempts(
        Task(filled.scene), Ids("demo", filled.scene, 0)
    )
    with Progress("fetch", len(asked), unit="goals") as progress:
        for number, mine in groupby(_until(stop, playing), key=lambda one: int(one[0].words)):
            tries = [(Reach.of(played), verdict) for _, played, verdict in mine]
            one = fetched(method, cell.spec, filled.presented, filled.wanted[number], tries)
            if one is not None:
                done.append(one)
                progress.update(number + 1, came_of(one))
    return done


def _until(stop: threading.Event, playing: Iterable[_Attempt]) -> Iterator[_Attempt]:
    """What is played, up to what ended when it was to stop."""
    for one in playing:
        yield one
        if stop.is_set():
            return
