"""`arrangements`: blocks packed side by side, by hand, to be pushed apart and grasped (Zeng et al.
2018, section V.C).

Nothing may learn from the arrangements.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from selfgrasp.common.parts import Cell, Table
from selfgrasp.protocols import clearing
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import attempts
from selfgrasp.workcell.cells.flat_table import FlatTableConfig
from selfgrasp.workcell.play import Episode

RUNS = 30
"""Of each case."""


def by_case(label: str, episodes: Sequence[Episode]) -> Table:
    """Completion, grasp success and actions of a policy, case by case; which cases it always and
    never completed."""
    names = sorted({e.arranged for e in episodes})
    completed = {e.arranged for e in episodes if e.cleared}
    failed = {e.arranged for e in episodes if not e.cleared}
    rows: list[list[Cell]] = []
    for name in names:
        runs = [e for e in episodes if e.arranged == name]
        grasps = sum(clearing.grasps(e) for e in runs)
        rows.append(
            [
                name,
                len(runs),
                float(np.mean([bool(e.cleared) for e in runs])),
                float(np.mean([clearing.within_2n(e) for e in runs])),
                sum(clearing.held(e) for e in runs) / max(1, grasps),
                float(np.mean([attempts(e) for e in runs])),
            ]
        )
    return Table(
        title=f"Case by case: {label}",
        note=f"Always completed: {_list(sorted(completed - failed))}. Never completed: "
        f"{_list(sorted(failed - completed))}.",
        columns=["case", "runs", "completion", "within 2 N", "grasp success", "actions"],
        rows=rows,
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


ARRANGEMENTS = PlayedProtocol(
    name="arrangements",
    config=FlatTableConfig(layout="cases"),
    trials=RUNS,
    play=partial(clearing.play, "arrangements"),
    metrics=clearing.metrics,
    paired_metric=clearing.WITHIN_2N,
    per_scene=clearing.within_2n,
    cell="flat_table",
    objects="seen",
    sets={"seen": "blocks"},
    arranged=True,
    table=by_case,
)
