"""Tables that are cleared: packed by hand, scattered, and single blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from selfgrasp.evaluation.job import BenchJob
from selfgrasp.papers import steps
from selfgrasp.papers.vpg.sizes import Work


@dataclass(frozen=True)
class Table:
    """What is cleared.

    Attributes:
        name: of its folder.
        title: in the report.
        protocol: see there.
        objects: of the protocol; empty for its own.
        gripper: see `FlatTableConfig`.
        count: of objects; 0 for the protocol's.
        every: whether all rows are played on it, or those alone that are trained on every seed, the
            long one and the landmarks.
    """

    name: str
    title: str
    protocol: str
    objects: str = ""
    gripper: str = "packed"
    count: int = 0
    every: bool = False


TABLES = (
    Table("arrangements", "packed by hand", "arrangements", every=True),
    Table("arrangements-85", "packed by hand, 85 mm", "arrangements", gripper="tabletop"),
    Table("declutter", "thirty scattered", "declutter"),
    Table("declutter-10", "ten scattered", "declutter", count=10),
    Table("declutter-novel", "thirty scattered, novel shapes", "declutter", objects="novel"),
    Table("declutter-1", "one block", "declutter", count=1),
)
"""All learn with the gripper `packed`. Of another one they are only told where its fingers are."""


def tables(work: Work) -> tuple[Table, ...]:
    """Those that are cleared."""
    return tuple(one for one in TABLES if one.name in work.sizes.cleared)


def policies(work: Work, table: Table) -> dict[str, str]:
    """By name of their training or row."""
    found = {name: name for name in work.sizes.landmarks}
    for one in work.trainings.values():
        if table.every or one.preset in work.sizes.compared:
            found[one.name] = work.policy(one)
    return {**found, "learn": work.learning_on} if table.every else found


def play(work: Work, table: Table) -> str:
    """All rows on one table."""
    sizes = work.sizes
    trials = sizes.isolated if table.count == 1 else sizes.tables
    if table.protocol == "arrangements":
        trials = sizes.runs * sizes.cases
    job = BenchJob(
        protocol=table.protocol,
        policy=tuple(policies(work, table).values()),
        objects=table.objects or None,
        trials=trials,
        seed=work.seed,
        options={
            "picture_px": 240,
            "gripper": table.gripper,
            **({"count": table.count} if table.count else {}),
        },
    )
    return steps.played(job, out=folder(work, table), workers=work.workers)


def folder(work: Work, table: Table) -> Path:
    """Of a table's report."""
    return work.folders.root / table.name
