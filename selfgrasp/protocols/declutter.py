"""`declutter`: thirty blocks scattered over a table, pushed and grasped until none is left (Zeng et
al. 2018, section V.C; what learns for it has seen ten)."""

from __future__ import annotations

from functools import partial

from selfgrasp.protocols import clearing
from selfgrasp.protocols.clear import COMPLETION
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.workcell.cells.flat_table import FlatTableConfig

OBJECTS = 30

DECLUTTER = PlayedProtocol(
    name="declutter",
    config=FlatTableConfig(count=OBJECTS, layout="scattered"),
    trials=30,
    play=partial(clearing.play, "declutter"),
    metrics=clearing.metrics,
    paired_metric=COMPLETION,
    per_scene=lambda e: float(bool(e.cleared)),
    cell="flat_table",
    objects="seen",
    sets={"seen": "blocks", "novel": "blocks-novel"},
)
