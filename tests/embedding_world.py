"""An invented world where the answer is known: colored squares on a grey floor, one of which is
lifted at a time and shown to the camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from helpers_attempts import make_attempt, make_session, make_spec

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.core import Attempt, Label, Outcome, View
from selfgrasp.core.places import PLACES, Places
from selfgrasp.core.pose import top_down
from selfgrasp.dataset import DatasetWriter

SIZE, SIDE = 64, 8
COLORS: Mapping[str, tuple[int, int, int]] = {
    "red": (220, 20, 20),
    "green": (20, 200, 20),
    "blue": (30, 30, 230),
    "yellow": (230, 220, 20),
}
SPEC = replace(make_spec("kuka_bin", size=SIZE), presented=top_down((0.0, 0.0, 0.2), 0.0))
FLOOR, PLACE_PX = 120, ((14, 14), (14, 42), (42, 14), (42, 42))


@dataclass(frozen=True)
class Told:
    """What an attempt's labels say: which object was lifted, and how many at once."""

    name: str
    held: int = 1


def painted(names: Sequence[str], view: View) -> tuple[View, Places]:
    """A picture of squares, each at its own place; empty names leave theirs empty."""
    color = np.full((SIZE, SIZE, 3), FLOOR, np.uint8)
    shown = np.full((SIZE, SIZE), -1, np.int32)
    present = tuple(name for name in names if name)
    for name, (row, column) in zip(names, PLACE_PX, strict=False):
        if name:
            inside = np.s_[row : row + SIDE, column : column + SIDE]
            color[inside], shown[inside] = COLORS[name], present.index(name)
    return replace(view, color=color, depth=None), Places(present, shown)


def held_view(name: str, view: View) -> View:
    """A picture of what is held, in its middle."""
    color = np.full((SIZE, SIZE, 3), FLOOR, np.uint8)
    if name:
        middle = np.s_[SIZE // 2 - 5 : SIZE // 2 + 5, SIZE // 2 - 5 : SIZE // 2 + 5]
        color[middle] = COLORS[name]
    return replace(view, color=color, depth=None)


def lift(scene: int, index: int, names: Sequence[str], told: Told) -> tuple[Attempt, Places]:
    """An attempt in a scene of `names` that lifted `told.name`, or was judged so."""
    session = make_session(spec=SPEC, objects="train:abc")
    made = make_attempt(
        np.random.default_rng([scene, index]),
        session=session,
        scene=scene,
        index=index,
        size=SIZE,
        depth=False,
    )
    assert made.before is not None
    assert made.after is not None
    before, places = painted(names, made.before.view())
    after, _ = painted([n if n != told.name else "" for n in names], made.after.view())
    attempt = replace(
        made,
        before=replace(made.before, views={"overhead": before}),
        after=replace(made.after, views={"overhead": after}),
        present=held_view(told.name, before),
        outcome=Outcome(True, 0.03, 10.0, 0.1),
    )
    return attempt, places


def write(
    folder: Path,
    lifts: Sequence[tuple[int, Sequence[str], Told]],
    *,
    places: bool = True,
    present: bool = True,
    truth: bool = True,
) -> Path:
    """A dataset of (scene, names, told)."""
    session = make_session(spec=SPEC, objects="train:abc")
    with DatasetWriter.create_or_open(folder, session) as writer:
        for index, (scene, names, told) in enumerate(lifts):
            attempt, shown = lift(scene, index, names, told)
            attempt = replace(
                attempt,
                session=session_key(session),
                present=attempt.present if present else None,
            )
            labels = []
            if truth:
                labels += [
                    Label(attempt.id, "truth.object", told.name, "simulator"),
                    Label(attempt.id, "truth.held", told.held, "simulator"),
                ]
            if places:
                text = shown.to_text()
                labels.append(Label(attempt.id, PLACES, text, "simulator", view="overhead"))
            writer.append([encode_attempt(attempt, labels)])
    return folder
