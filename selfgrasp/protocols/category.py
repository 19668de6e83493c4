"""`category`: five objects of five categories, asked for one after the other; what is lifted is set
aside (Jang et al. 2017, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.common.parts import Cell, Table
from selfgrasp.core import Goal, Policy
from selfgrasp.core.policy import Timed
from selfgrasp.protocols.episode import Episode, PlayedProtocol
from selfgrasp.protocols.metric import DOUBLE_LIFTS, JUDGE_DISAGREES, PLAN_SECONDS, Metric
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import SimCell

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


def play(cell: SimCell, policy: Policy, seed: int) -> Episode:
    """Each category once, in random order, whatever was lifted before."""
    workcell = cell.cell
    before = workcell.reset(seed)
    timed, start = Timed(policy), workcell.drivers.scene.time()
    asked = (
        np.random.default_rng([seed, 2])
        .permutation([placed.model.family for placed in cell.world.placed])
        .tolist()
    )
    outcomes: list[bool] = []
    lifted: list[tuple[str, ...]] = []
    for index, category in enumerate(asked):
        played = workcell.attempt(
            timed, Ids("category", seed, index), goal=Goal(category), before=before
        )
        outcomes.append(played.attempt.outcome.grasped)
        before = played.attempt.after
        families = str(
            {label.name: label.value for label in played.labels}.get("truth.families", "")
        )
        lifted.append(tuple(families.split(",")) if families else ())
        if outcomes[-1]:
            workcell.set_aside()
            before = None
    seconds, true = workcell.drivers.scene.time() - start, [bool(found) for found in lifted]
    return Episode(
        seed,
        len(asked),
        sum(outcomes),
        sum(true),
        sum(len(found) > 1 for found in lifted),
        sum(a != b for a, b in zip(outcomes, true, strict=True)),
        cell.remaining() == 0,
        seconds,
        timed.seconds,
        outcomes=tuple(outcomes),
        asked=tuple(asked),
        lifted=tuple(lifted),
    )


def right(episode: Episode) -> int:
    """Attempts that lifted what was asked for, among other things or alone."""
    return sum(
        category in lifted for category, lifted in zip(episode.asked, episode.lifted, strict=True)
    )


def confusion(episodes: Sequence[Episode]) -> Counter[tuple[str, str]]:
    """How often one category was asked for and another lifted; of several at once the right one
    counts, or else the first; "" is nothing."""
    pairs = (
        (asked, lifted) for e in episodes for asked, lifted in zip(e.asked, e.lifted, strict=True)
    )
    return Counter(
        (asked, asked if asked in lifted else next(iter(lifted), "")) for asked, lifted in pairs
    )


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
    return {
        CLASS_PER_ATTEMPT: ratio([(right(e), e.attempts) for e in episodes]),
        OBJECTS_PER_ATTEMPT: ratio([(e.true, e.attempts) for e in episodes]),
        CLASS_PER_OBJECT: ratio([(right(e), e.true) for e in episodes]),
        FIRST_COMMAND: ratio([(int(e.asked[0] in e.lifted[0]), 1) for e in episodes if e.asked]),
        DOUBLE_LIFTS: ratio([(e.doubles, e.attempts) for e in episodes]),
        JUDGE_DISAGREES: ratio([(e.disagreements, e.attempts) for e in episodes]),
        PLAN_SECONDS: ratio([(e.plan_seconds, e.attempts) for e in episodes]),
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
    per_scene=lambda e: right(e) / max(1, e.attempts),
    cell="kuka_bin",
    sets={"seen": "categories", "novel": "categories-test", "validation": "categories-validation"},
    table=confusion_table,
)
