"""The held-out lifts of a dataset, of which `embedding` asks and among which it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from selfgrasp.common.split import SPLITS
from selfgrasp.core import InputError
from selfgrasp.core.places import PLACES
from selfgrasp.dataset import Dataset
from selfgrasp.dataset.reader import OBJECT_LABEL
from selfgrasp.objects.sets import SetLabel, set_label
from selfgrasp.protocols.embedding import Lifts

HELD_LABEL = "truth.held"
"""How many objects were lifted at once."""
_EVERYTHING = "all"
_NEVER_LEARNED = (SetLabel.NOVEL, SetLabel.VALIDATION)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out lifts.

    Attributes:
        objects: how reports call the set of objects.
        part: of the split.
        lifts: of one object each, which was presented.
        places: text of `truth.places` by attempt; empty where it was not noted.
        counts: by what they count: attempts, those that were left out and why, what is left.
    """

    objects: str
    part: str
    lifts: Lifts
    places: Mapping[str, str]
    counts: Mapping[str, int]


def held_out(data: Dataset, *, cell: str, part: str | None) -> HeldOut:
    """The attempts that presented one object.

    Left out are successes of which the simulator says that nothing, or more than one object, was
    lifted, and those without a present picture: they have no right answer.

    Args:
        data: of one set of objects.
        cell: whose attempts are wanted.
        part: of the dataset's split; None is everything of novel and validation objects, and the
            test part of others.

    Raises:
        InputError: a dataset of another cell, without present pictures, without the simulator's
            truth, or with fewer than two such lifts.
    """
    if data.spec.name != cell:
        raise InputError(
            given=f"--data {data.path}, attempts in the cell {data.spec.name}",
            wanted=f"attempts in {cell} (or --cell {data.spec.name})",
        )
    objects = objects_of(data)
    chosen = part or (_EVERYTHING if objects in _NEVER_LEARNED else SPLITS[-1])
    split = None if chosen == _EVERYTHING else chosen
    ids = data.ids(split)
    grasped, present = (data.column(name, split) for name in ("grasped", "has_present"))
    if not data.column("has_present").any():
        raise InputError(
            given=f"--data {data.path}, without any picture of what was held",
            wanted="attempts in a cell that presents what it holds, as kuka_bin does",
        )
    names, numbers = _truth(data)
    held = np.array([numbers.get(i, -1) for i in ids], dtype=np.int64)
    known = np.array([bool(names.get(i)) for i in ids], dtype=np.bool_)
    one = grasped & present & known & (held == 1)
    counts = {
        "attempts": len(ids),
        "judged to hold something": int(grasped.sum()),
        "left out: nothing was lifted": int((grasped & (held == 0)).sum()),
        "left out: two or more were lifted at once": int((grasped & (held > 1)).sum()),
        "left out: not presented": int((grasped & ~present & (held == 1)).sum()),
        "lifts of one object": int(one.sum()),
    }
    if one.sum() < 2:
        raise InputError(
            given=f"--data {data.path}, with {one.sum()} presented lifts of one object in the "
            f"part {chosen!r} of its split",
            wanted="two or more (more attempts, or --part all for a dataset that nothing learned "
            "from)",
        )
    scenes = zip(data.column("session", split), data.column("scene", split), strict=True)
    lifts = Lifts.of(
        ids.tolist(), [str(names.get(i, "")) for i in ids], [f"{s}-{n}" for s, n in scenes]
    )[one]
    return HeldOut(objects, chosen, lifts, _places(data), {**counts, **_instances(lifts)})


def objects_of(data: Dataset) -> str:
    """How reports call the objects of a dataset: seen, novel, validation, or the name of a set or
    a folder."""
    kinds = {session.objects.partition(":")[0] for session in data.sessions.values()}
    return set_label(kinds.pop()) if len(kinds) == 1 else "mixed"


def _truth(data: Dataset) -> tuple[Mapping[str, object], Mapping[str, int]]:
    missing = [name for name in (OBJECT_LABEL, HELD_LABEL) if name not in data.label_names]
    if missing:
        raise InputError(
            given=f"--data {data.path}, without the label {' and '.join(missing)}",
            wanted="attempts of a simulation, which knows which object was lifted",
            exists=", ".join(data.label_names) or "no labels",
        )
    numbers = {attempt: int(str(value)) for attempt, value in data.label(HELD_LABEL).items()}
    return data.label(OBJECT_LABEL), numbers


def _places(data: Dataset) -> dict[str, str]:
    if PLACES not in data.label_names:
        return {}
    return {label.attempt: str(label.value) for label in data.labels(PLACES)}


def _instances(lifts: Lifts) -> dict[str, int]:
    times = Counter(lifts.objects.tolist())
    return {
        "objects among them": len(times),
        "objects with a single picture": sum(n == 1 for n in times.values()),
        "scenes": len(set(lifts.scenes.tolist())),
    }
