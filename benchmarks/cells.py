"""What an arm costs: the same scenes of blocks under a flying hand and under a UR5.

python -m benchmarks.cells [SCENES]      prints two tables
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from selfgrasp.core import Context, Plan, Policy
from selfgrasp.core.arrays import FloatArray
from selfgrasp.methods.baselines.random_push_grasp import (
    RandomPushGraspConfig,
    RandomPushGraspPolicy,
)
from selfgrasp.objects.named import objects_named
from selfgrasp.workcell.cells.flat_table import FlatTableConfig, Layout
from selfgrasp.workcell.cells.simulated import SimCell, make_cell

CELLS = ("flat_table", "ur5_table")
LAYOUTS: tuple[Layout, ...] = ("scattered", "packed")
SCENES, ATTEMPTS = 12, 10
"""And attempts in each, where speed is measured."""
POLICIES = {
    name: RandomPushGraspPolicy(RandomPushGraspConfig(pushes=share))
    for name, share in (("random grasps", 0.0), ("random pushes", 1.0))
}
MOVED = 0.01
"""m from which on an object counts as moved."""


class Kept:
    """Plans as another policy does, and keeps the plan."""

    def __init__(self, policy: Policy) -> None:
        self.name, self.privileged, self._policy = policy.name, policy.privileged, policy
        self.last: Plan | None = None

    def plan(self, context: Context) -> Plan:
        """What the other policy plans."""
        self.last = self._policy.plan(context)
        return self.last


@dataclass(frozen=True)
class Given:
    """Plays a plan that was made before."""

    given: Plan
    name: str = "given"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """The plan."""
        return self.given


def main(scenes: int) -> None:
    """Print both tables."""
    print(f"| attempts/s | {' | '.join(CELLS)} |")
    print("|---|---|---|")
    for layout in LAYOUTS:
        for named, policy in POLICIES.items():
            found = speeds(layout, policy)
            print(f"| {layout}, {named} | {' | '.join(found.values())} |", flush=True)
    print("\n| layout | policy | held | both | moved something > 1 cm | lost |")
    print("|---|---|---|---|---|---|")
    for layout in LAYOUTS:
        for named, policy in POLICIES.items():
            print(f"| {layout} | {named} | {compared(layout, policy, scenes)} |", flush=True)


def speeds(layout: Layout, policy: Policy) -> dict[str, str]:
    """Attempts a second of processor time, resets left out: the median of scenes, which the cells
    play by turns."""
    seconds: dict[str, list[float]] = {name: [] for name in CELLS}
    with ExitStack() as stack:
        cells = {name: stack.enter_context(_cell(name, layout, "realistic")) for name in CELLS}
        for seed in range(SCENES):
            for name, cell in cells.items():
                cell.reset(seed)
                begin = time.process_time()
                for _ in range(ATTEMPTS):
                    cell.attempt(policy)
                seconds[name].append((time.process_time() - begin) / ATTEMPTS)
    return {name: f"{1 / np.median(each):.1f}" for name, each in seconds.items()}


def compared(layout: Layout, policy: Policy, scenes: int) -> str:
    """The same first action of every scene in both cells."""
    kept, plans = Kept(policy), []
    held: Mapping[str, list[bool]] = {name: [] for name in CELLS}
    moved: Mapping[str, list[bool]] = {name: [] for name in CELLS}
    lost = dict.fromkeys(CELLS, 0)
    for name in CELLS:
        with _cell(name, layout, "none") as cell:
            for seed in range(scenes):
                cell.reset(seed)
                before = _places(cell)
                if name == CELLS[0]:
                    held[name].append(cell.attempt(kept).outcome.grasped)
                    assert kept.last is not None
                    plans.append(kept.last)
                else:
                    held[name].append(cell.attempt(Given(plans[seed])).outcome.grasped)
                after = _places(cell)
                lying = [slot for slot in before if slot in after and after[slot][2] < 0.2]
                ways = [np.linalg.norm(after[slot] - before[slot]) for slot in lying]
                moved[name].append(max(ways, default=0.0) > MOVED)
                lost[name] += len(before) - len(after)
    shares = [np.mean(moved[name]) for name in CELLS]
    both = sum(a and b for a, b in zip(*(held[name] for name in CELLS), strict=True))
    return " | ".join(
        [
            " and ".join(str(sum(held[name])) for name in CELLS) + f" of {scenes}",
            str(both),
            " and ".join(f"{share:.2f}" for share in shares),
            " and ".join(str(lost[name]) for name in CELLS),
        ]
    )


def _cell(name: str, layout: Layout, noise: str) -> SimCell:
    config = FlatTableConfig(layout=layout, noise=noise)  # type: ignore[arg-type]
    return make_cell(name, objects_named("blocks"), config)


def _places(cell: SimCell) -> dict[int, FloatArray]:
    """(3,) m of each object, by its slot."""
    world = cell.world
    return {placed.slot: world.object_pose(placed.slot)[:3, 3].copy() for placed in world.placed}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
