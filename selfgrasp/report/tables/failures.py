"""How attempts fail: the share of each kind, and pictures of some."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.files import file_name, write_whole
from selfgrasp.common.intervals import ratio
from selfgrasp.common.parts import Cell, Table
from selfgrasp.core import Attempt, Fault, Grasp
from selfgrasp.dataset import Dataset
from selfgrasp.report.story_parts import Gallery
from selfgrasp.viz.card import attempt_card
from selfgrasp.viz.kinds import HELD, KIND_SENTENCES, MISSED
from selfgrasp.viz.picture import encode_webp

EXAMPLES = 8
"""Pictures of a kind."""

_TWO = "two objects"
_TILE = 240
"""px, of one half of an example."""

_REACHED = 0.002
"""m within which the hand came to where it was sent."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Attempts that came to the same end.

    Attributes:
        name: of it.
        meaning: in a sentence.
        chosen: (N,) bool, which attempts.
        pictured: whether examples are shown.
    """

    name: str
    meaning: str
    chosen: NDArray[np.bool_]
    pictured: bool = True


def failure_gallery(dataset: Path, out: Path) -> tuple[Table, list[Gallery]]:
    """The table of what became of all attempts, with 95 % intervals over scenes, and up to eight
    examples of each way to fail.

    Args:
        dataset: its folder; two objects at once are told by the simulator's label `truth.held`, and
            are left out of a robot's data.
        out: folder that the pictures are written to, a run's `pictures/`.

    Returns:
        A table of report.json, and a gallery of pictures for each kind that happened.

    Raises:
        InputError: no such dataset.
    """

    out.mkdir(parents=True, exist_ok=True)
    with Dataset.open(dataset) as data:
        kinds = _kinds(data)
        who = ", ".join(sorted(set(data.column("policy"))))
        pictures = [
            _gallery(data, kind, out) for kind in kinds if kind.pictured and kind.chosen.any()
        ]
        return _table(data, kinds, who), pictures


def _kinds(data: Dataset) -> tuple[Kind, ...]:
    """Successes and every way to fail: together all attempts, each in one of them."""

    grasped, fault = data.column("grasped"), data.column("fault")
    lifted = data.label("truth.held") if "truth.held" in data.label_names else {}
    two = grasped & np.array([float(lifted.get(name, 0)) > 1 for name in data.ids()])  # type: ignore[arg-type]
    failed = ~grasped
    shown = [str(kind) for kind in (Fault.BLOCKED, Fault.SLIPPED)]
    others = sorted(set(fault[failed]) - {*shown, ""})
    return (
        Kind(
            HELD,
            "One object was lifted." if lifted else KIND_SENTENCES[HELD],
            grasped & ~two,
            pictured=False,
        ),
        *(
            (Kind(_TWO, "A success that lifted more than one, by the simulator's count.", two),)
            if lifted
            else ()
        ),
        *(Kind(name, KIND_SENTENCES[name], failed & (fault == name)) for name in shown),
        Kind(MISSED, KIND_SENTENCES[MISSED], failed & (fault == "")),
        *(
            Kind(
                name.replace("_", " "),
                KIND_SENTENCES.get(name, ""),
                failed & (fault == name),
                pictured=False,
            )
            for name in others
        ),
    )


def _table(data: Dataset, kinds: Sequence[Kind], who: str) -> Table:
    rows: list[list[Cell]] = [
        [kind.name, kind.meaning, int(kind.chosen.sum()), *_share(data, kind.chosen)]
        for kind in kinds
    ]
    return Table(
        title=f"What became of the attempts: {who}",
        note=f"{len(data):,} attempts on {len(_scenes(data)[1]):,} scenes, judged by what the "
        "fingers felt; 95 % intervals over scenes.",
        columns=["outcome", "meaning", "attempts", "share", "95 % interval"],
        rows=rows,
    )


def _share(data: Dataset, chosen: NDArray[np.bool_]) -> tuple[str, str]:
    """The share of attempts and its interval; attempts on one scene are no independent trials."""

    which, scenes = _scenes(data)
    counts = [
        np.bincount(which, weights=weights, minlength=len(scenes))
        for weights in (chosen, np.ones(len(chosen)))
    ]
    share = ratio(np.stack(counts, axis=1))
    return f"{100 * share.value:.1f} %", f"{100 * share.low:.1f} to {100 * share.high:.1f} %"


def _scenes(data: Dataset) -> tuple[NDArray[np.int64], list[tuple[str, int]]]:
    """(N,) the scene of each attempt as an index, and the scenes."""
    keys = list(zip(data.column("session").tolist(), data.column("scene").tolist(), strict=True))
    index = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([index[key] for key in keys]), list(index)


def _gallery(data: Dataset, kind: Kind, out: Path) -> Gallery:

    objects = data.label("truth.object") if "truth.object" in data.label_names else {}
    lifted = data.label("truth.held") if "truth.held" in data.label_names else {}
    breadth = data.spec.gripper.finger_breadth
    files, captions = [], []
    for attempt in data.attempts(_drawn(data.ids()[kind.chosen]), threads=1):
        files.append(out / file_name(f"failed-{attempt.id}.webp", "picture"))
        picture = attempt_card(attempt, pixels=_TILE, breadth=breadth)
        write_whole(files[-1], encode_webp(picture))
        captions.append(_caption(attempt, objects, lifted))
    total = int(kind.chosen.sum())
    note = (
        f"{kind.meaning} {total:,} of {len(data):,} attempts. Left: before, with the grasp. "
        "Right: the same place afterwards."
    )
    return Gallery(
        title="Two objects at once" if kind.name == _TWO else f"Failures: {kind.name}",
        note=note,
        files=tuple(files),
        captions=tuple(captions),
    )


def _drawn(ids: NDArray[np.object_]) -> list[str]:
    """A fair draw that the order of collection does not change."""
    return sorted(ids.tolist(), key=lambda name: hashlib.sha256(name.encode()).digest())[:EXAMPLES]


def _caption(attempt: Attempt, objects: Mapping[str, Any], lifted: Mapping[str, Any]) -> str:
    """Where the fingers were sent and how far they came, what was held, the policy's score, and the
    id that `selfgrasp replay` takes."""

    parts = []
    match attempt.steps:
        case [*_, last] if isinstance(last.action, Grasp):
            parts.append(f"{1000 * last.action.width:.0f} mm open")
            if attempt.outcome.fault is Fault.BLOCKED and isinstance(last.executed, Grasp):
                above = float(
                    last.executed.world_from_tool[2, 3] - last.action.world_from_tool[2, 3]
                )
                parts.append(
                    f"stopped {1000 * above:.0f} mm above its goal"
                    if above > _REACHED
                    else "blocked on the way up"
                )
            # A policy without an opinion scores 0.
            if np.isfinite(last.score) and last.score:
                parts.append(f"score {last.score:.2f}")
    if attempt.outcome.grasped:
        parts.append(f"{1000 * attempt.outcome.width:.0f} mm held")
    if objects.get(attempt.id):
        parts.append(f"{lifted.get(attempt.id, 1)} objects, one is {objects[attempt.id]}")
    return " · ".join([*parts, attempt.id])
