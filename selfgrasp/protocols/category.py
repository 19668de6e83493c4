"""`category`: five objects of five categories, asked for one after the other; what is lifted is set
aside (Jang et al. 2017, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.common.parts import Cell, Table
from selfgrasp.core import AttemptRecord, Goal, InputError, ObjectRef, Policy
from selfgrasp.objects.sets import CATEGORY_SETS
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import PLAN_SECONDS, Metric, about_truth, attempts, rates
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.play import Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell

OBJECTS = 5

CLASS_PER_ATTEMPT = Metric(
    "class_per_attempt",
    "Right class per attempt",
    "share of attempts that lift the commanded category",
)
OBJECTS_PER_ATTEMPT = Metric(
    "objects_per_attempt", "Objects per attempt", "share of attempts that lift anything"
)
CLASS_PER_OBJECT = Metric(
    "class_per_object",
    "Right class per object",
    "share of lifted objects that are of the commanded category",
)
FIRST_COMMAND = Metric(
    "first_command",
    "First command",
    "share of bins whose first command fetched the commanded category, before anything was missing",
)


def play(cell: Workcell, policy: Policy, task: Task) -> Episode:
    """Each category once, in random order, whatever was lifted before.

    Raises:
        InputError: a cell that cannot tell which objects lie in it.
    """

    def goals(placed: Sequence[ObjectRef] | None) -> list[Goal]:
        if placed is None:
            raise InputError(
                given=f"`category` in the cell {cell.spec.name!r}",
                wanted="a cell that knows which objects lie in it, as a simulated one does",
            )
        order = np.random.default_rng([task.seed, 2]).permutation([one.family for one in placed])
        return [Goal(category) for category in order.tolist()]

    ids = Ids("category", task.seed, 0)
    return play_scene(cell, policy, task, ids=ids, goals=goals, stop=Stop(when_empty=False))


def families(record: AttemptRecord) -> tuple[str, ...]:
    """The categories of what an attempt lifted, sorted."""
    return tuple(sorted({one.family for one in record.lifted or ()}))


def right(episode: Episode) -> int:
    """Attempts that lifted what was asked for, among other things or alone."""
    return sum(one.goal in families(one) for one in episode.attempts)


def confusion(episodes: Sequence[Episode]) -> Counter[tuple[str, str]]:
    """How often one category was asked for and another lifted; of several at once the right one
    counts, or else the first; "" is nothing."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in (record for episode in episodes for record in episode.attempts):
        lifted = families(one)
        counts[one.goal, one.goal if one.goal in lifted else next(iter(lifted), "")] += 1
    return counts


def confusion_table(title: str, episodes: Sequence[Episode]) -> Table:
    """`confusion` as a table of a report: what was asked for in rows, what was lifted in
    columns."""
    counts = confusion(episodes)
    names = sorted({name for pair in counts for name in pair if name})
    rows: list[list[Cell]] = [
        [asked, *(counts[asked, lifted] or None for lifted in ("", *names))] for asked in names
    ]
    return Table(
        title=f"Asked for and lifted: {title}",
        columns=["asked for", "nothing", *names],
        rows=rows,
    )


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Rates over attempts, by the simulator's count, bootstrapped by bin; `first_command`: of the
    first attempts alone, when nothing is missing yet."""
    first = [e.attempts[0] for e in episodes if e.attempts]
    return {
        CLASS_PER_ATTEMPT: ratio([(right(e), attempts(e)) for e in episodes]),
        **rates(OBJECTS_PER_ATTEMPT, episodes, lambda e: e.true, attempts),
        CLASS_PER_OBJECT: ratio([(right(e), e.true or 0) for e in episodes]),
        FIRST_COMMAND: ratio([(int(one.goal in families(one)), 1) for one in first]),
        **about_truth(episodes),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


CATEGORY = PlayedProtocol(
    name="category",
    config=KukaBinConfig(
        count=OBJECTS, picture_px=224, depth=True, registered=False, mixture="apart"
    ),
    trials=60,
    play=play,
    metrics=metrics,
    paired_metric=CLASS_PER_ATTEMPT,
    per_scene=lambda e: right(e) / max(1, attempts(e)),
    cell="kuka_bin",
    sets={str(label): name for label, name in CATEGORY_SETS.items()},
    table=confusion_table,
)
