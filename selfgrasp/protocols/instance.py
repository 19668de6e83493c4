"""`instance` and `composite`: six objects in a bin, asked for by pictures of them in the hand, from
drops of their own (Jang et al. 2018, section 5.2).

Each attempt asks for another one of them, and what was lifted falls back into the bin. `composite`
asks for two at once, either of which counts. In the end an object is asked for that is not there,
which a policy had better not look for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.core import AttemptKind, AttemptRecord, Goal, Policy, View
from selfgrasp.protocols.category import OBJECTS_PER_ATTEMPT
from selfgrasp.protocols.episode import PlayedProtocol
from selfgrasp.protocols.metric import PLAN_SECONDS, Metric, about_truth, attempts, rates
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.play import AfterLift, Episode, Stop, Task
from selfgrasp.workcell.play import play as play_scene
from selfgrasp.workcell.workcell import Workcell

OBJECTS = 6
"""In a bin."""
ABSENT, OR = "absent: ", " or "
"""What stands before the name of an object that is not there, and between two names."""
_GOALS, _ORDER = 11, 2
"""Purposes of random numbers."""

INSTANCE = Metric(
    "instance", "Instance grasping", "share of attempts that lift an object that was asked for"
)
INSTANCE_PER_OBJECT = Metric(
    "instance_per_object",
    "Right object",
    "share of the attempts that lift anything which lift an object that was asked for",
)
MISSED = Metric(
    "missed",
    "Not found, but there",
    "share of the objects in the bin for which nothing was tried",
    higher_is_better=False,
)
ABSENT_NOT_FOUND = Metric(
    "absent_not_found",
    "Not found, and not there",
    "share of the objects that are not in the bin for which nothing was tried",
)


@dataclass(frozen=True)
class Asked:
    """What an attempt is asked for.

    Attributes:
        words: names of the objects, for the records; policies see the pictures alone.
        goal: the pictures.
    """

    words: str
    goal: Goal


AskedOf = Callable[[Mapping[str, View], Sequence[str]], list[Asked]]
"""From present images by name, and the names of what lies there in random order, to what is asked
for."""


def asked_in(name: str, asked_of: AskedOf, cell: Workcell, task: Task) -> list[Asked]:
    """The goals of a bin, and last one that is not there. The cell has to be reset afterwards.

    Args:
        name: of the protocol.
        asked_of: see there.
        cell: simulated, and one that presents what it holds.
        task: which scene.

    Raises:
        InputError: another cell.
    """
    # The simulator comes with the first scene: `--help` needs the options alone.
    from selfgrasp.workcell.sim.presented import presented, simulated_scene

    scene = simulated_scene(cell, f"`{name}`")
    cell.reset(task.seed)
    there = [one.name for one in scene.left()]
    rng = np.random.default_rng([task.seed, _ORDER])
    order = rng.permutation(there).tolist()
    others = rng.permutation(sorted({*scene.pool} - {*there})).tolist()[:1]
    seeds = np.random.default_rng([task.seed, _GOALS]).integers(2**31, size=len(order) + 1)
    pictures = {
        one: picture
        for one, seed in zip((*order, *others), seeds.tolist(), strict=False)
        if (picture := presented(cell, one, seed)) is not None
    }
    return [
        *asked_of(pictures, [one for one in order if one in pictures]),
        *(Asked(ABSENT + one, _of(pictures[one])) for one in others if one in pictures),
    ]


def play(name: str, asked_of: AskedOf, cell: Workcell, policy: Policy, task: Task) -> Episode:
    """One bin: an attempt for each goal. Arguments as of `asked_in`, and whose attempts."""
    asked = asked_in(name, asked_of, cell, task)
    episode = play_scene(
        cell,
        policy,
        task,
        ids=Ids(name, task.seed, 0),
        goals=lambda _: [one.goal for one in asked],
        after=AfterLift.PUT_BACK,
        stop=Stop(when_empty=False),
    )
    # A robot that was stopped leaves the rest.
    records = [
        replace(record, goal=one.words)
        for record, one in zip(episode.attempts, asked, strict=False)
    ]
    return replace(episode, attempts=tuple(records))


def each(pictures: Mapping[str, View], order: Sequence[str]) -> list[Asked]:
    """One object after the other."""
    return [Asked(one, _of(pictures[one])) for one in order]


def pairs(pictures: Mapping[str, View], order: Sequence[str]) -> list[Asked]:
    """Two objects at a time, each once; of an odd number one is left."""
    return [
        Asked(OR.join(two), Goal(any_of=tuple(_of(pictures[one]) for one in two)))
        for two in zip(order[::2], order[1::2], strict=False)
    ]


def _of(picture: View) -> Goal:
    return Goal(image=picture)


def right(record: AttemptRecord) -> bool:
    """Whether an attempt lifted what was asked for, among other things or alone."""
    return bool({one.name for one in record.lifted or ()} & {*record.goal.split(OR)})


def tried(record: AttemptRecord) -> bool:
    """Whether the policy saw anything to do."""
    return record.kind is not AttemptKind.NONE


def metrics(episodes: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Rates over attempts, by the simulator's count, bootstrapped by bin. All but
    `absent_not_found` are of goals that lie there."""
    there, absent = there_and_absent(episodes)
    return {
        INSTANCE: ratio([(sum(map(right, e.attempts)), attempts(e)) for e in there]),
        **lifts(there),
        MISSED: ratio([(attempts(e) - sum(map(tried, e.attempts)), attempts(e)) for e in there]),
        ABSENT_NOT_FOUND: ratio(
            [(attempts(e) - sum(map(tried, e.attempts)), attempts(e)) for e in absent]
        ),
        **about_truth(there),
        PLAN_SECONDS: ratio([(e.plan_seconds, attempts(e)) for e in episodes]),
    }


def per_bin(episode: Episode) -> float:
    """Share of a bin's goals that were fetched."""
    (there,), _ = there_and_absent([episode])
    return sum(map(right, there.attempts)) / max(1, attempts(there))


def lifts(there: Sequence[Episode]) -> Mapping[Metric, Estimate]:
    """Attempts that lift anything, and the right ones of these."""
    return {
        **rates(OBJECTS_PER_ATTEMPT, there, lambda e: e.true, attempts),
        INSTANCE_PER_OBJECT: ratio([(sum(map(right, e.attempts)), e.true or 0) for e in there]),
    }


def there_and_absent(episodes: Sequence[Episode]) -> tuple[list[Episode], list[Episode]]:
    """The episodes with the attempts for what lay there alone, and with those for what did not."""

    def kept(episode: Episode, absent: bool) -> Episode:
        of_kind = [one for one in episode.attempts if one.goal.startswith(ABSENT) is absent]
        return replace(episode, attempts=tuple(of_kind))

    return [kept(one, False) for one in episodes], [kept(one, True) for one in episodes]


CONFIG = KukaBinConfig(count=OBJECTS, picture_px=224)
SETS = {"seen": "vessels", "validation": "vessels-validation", "novel": "vessels-novel"}
INSTANCE_PROTOCOL, COMPOSITE = (
    PlayedProtocol(
        name=name,
        config=CONFIG,
        trials=trials,
        play=partial(play, name, asked_of),
        metrics=metrics,
        paired_metric=INSTANCE,
        per_scene=per_bin,
        cell="kuka_bin",
        objects="seen",
        sets=SETS,
    )
    for name, asked_of, trials in (("instance", each, 50), ("composite", pairs, 100))
)
