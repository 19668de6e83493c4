"""What `selfgrasp demo vpg` does: pushes packed blocks apart and clears them, and plays the
heuristic on the same table."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from selfgrasp.common.progress import Progress
from selfgrasp.core import InputError, PolicyRef
from selfgrasp.core.bounds import check_bounds
from selfgrasp.methods.vpg.method import VPG
from selfgrasp.papers.demos import leaving_its_page
from selfgrasp.papers.vpg.demo_case import LIST, Case, cases_there, cell_for, chosen_case
from selfgrasp.papers.vpg.demo_film import film
from selfgrasp.papers.vpg.demo_page import Shown, write_page
from selfgrasp.papers.vpg.demo_steps import Run, played_run
from selfgrasp.papers.vpg.demo_words import headline
from selfgrasp.protocols.clearing import stop_of
from selfgrasp.rollout.policies import load_policy, resolve
from selfgrasp.viz.kinds import kind_of
from selfgrasp.workcell.attempt import Played
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.sim.recording import Recording

if TYPE_CHECKING:
    from selfgrasp.papers.vpg.demo import Args

OTHERS = ("heuristic", "heuristic+push")
"""Played on the same table, for their figures."""


def play(args: Args) -> int:
    """Clears one arrangement and writes a page; returns the exit code. Ctrl-C ends it after the
    action that is being done, with a page of what there is.

    Raises:
        InputError: no such arrangement, files that cannot be used, or a policy that is none of VPG.
    """
    check_bounds(args)
    if args.case == LIST:
        for case in cases_there(args):
            print(f"{case.name}: {len(case.standing)} blocks")
        return 0
    return leaving_its_page(lambda stop: _play(args, stop))


def _play(args: Args, stop: threading.Event) -> None:
    began = time.perf_counter()
    case, ref = chosen_case(args), resolve(args.policy)
    method = _vpg(ref)
    cell = cell_for(args, case)
    with cell.cell as workcell:
        recording = Recording(cell)
        workcell.watchers = (recording,)
        run = _cleared(cell, method, case, stop)
        if not run.played:
            # Ctrl-C came before the first action.
            raise KeyboardInterrupt
        recording.stop()
        workcell.watchers = ()
        others = [
            replace(played_run(workcell, load_policy(name), case.scene, stop=stop), policy=name)
            for name in OTHERS
            if not stop.is_set()
        ]
        frames = film(cell, recording, run, stop) if not stop.is_set() else []
        spec = workcell.spec
    page = write_page(args.out, Shown(case, ref, method, run, tuple(others), tuple(frames), spec))
    words = "stopped: " if stop.is_set() else ""
    print(f"{words}{headline(run)}; {time.perf_counter() - began:.0f} s in all; report: {page}")


def _vpg(ref: PolicyRef) -> VPG:
    method = load_policy(ref)
    if not isinstance(method, VPG):
        raise InputError(
            given=f"--policy {ref.label}",
            wanted="vpg, or the path of a run's folder or of a checkpoint of vpg",
        )
    return method


@dataclass
class _Told:
    """Tells of each action as it ends."""

    progress: Progress
    lifted: int = 0

    def __call__(self, number: int, one: Played) -> None:
        self.lifted += len(one.lifted or ())
        self.progress.update(number, f"{kind_of(one.attempt)}, {self.lifted} lifted")


def _cleared(cell: SimCell, method: VPG, case: Case, stop: threading.Event) -> Run:
    most = stop_of(len(case.arrangement.standing)).most or 0
    with Progress("clear", most, unit="actions") as progress:
        told = _Told(progress)
        return played_run(cell.cell, method, case.scene, stop=stop, each=told, measure=True)
