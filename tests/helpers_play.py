"""Records and episodes, for tests that need no cell."""

from __future__ import annotations

from collections.abc import Sequence

from selfgrasp.core import AttemptKind, AttemptRecord, Fault, ObjectRef
from selfgrasp.workcell.play import Episode, Task


def record(
    grasped: bool,
    *,
    true: bool | None = None,
    lifted: Sequence[str] | None = None,
    lost: int | None = 0,
    goal: str = "",
    kind: AttemptKind = AttemptKind.GRASP,
    changed: float = 0.0,
    fault: Fault | None = None,
) -> AttemptRecord:
    """An attempt in a simulation, whose truth agrees with the judge unless it is given; `lifted`
    are families."""
    families = (("thing",) if grasped else ()) if lifted is None else lifted
    return AttemptRecord(
        kind,
        grasped,
        changed=changed,
        fault=fault,
        goal=goal,
        true=bool(families) if true is None else true,
        lifted=tuple(ObjectRef(f"a {family}", family) for family in families),
        lost=lost,
    )


def episode(
    attempts: Sequence[AttemptRecord],
    *,
    left: int,
    seed: int = 0,
    placed: int = 10,
    seconds: float = 60.0,
    replaced: Sequence[AttemptRecord] = (),
) -> Episode:
    """A scene of `placed` objects of which `left` still lie there in the end."""
    thing = ObjectRef("a thing", "thing")
    return Episode(
        Task(seed),
        tuple(attempts),
        seconds,
        1.0,
        placed=(thing,) * placed,
        left=(thing,) * left,
        replaced=tuple(replaced),
    )


def without_truth(outcomes: Sequence[bool]) -> Episode:
    """What a real robot's episode holds."""
    attempts = [AttemptRecord(AttemptKind.GRASP, grasped) for grasped in outcomes]
    return Episode(Task(0), tuple(attempts), 60.0, 1.0)
