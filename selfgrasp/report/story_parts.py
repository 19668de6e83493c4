"""What a run's pictures show, as `pictures/story.json` has it beside them: each with its words.

Files are absolute in memory, and names in story.json.
"""

from __future__ import annotations

import builtins
import collections.abc
import types
from collections.abc import Iterable, Mapping, Set
from dataclasses import MISSING, Field, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints

from selfgrasp.common.parts.part import MOST_FIGURE, require
from selfgrasp.core import InputError
from selfgrasp.report.card import CardText

STORY_FILE = "story.json"


class StoryPart:
    """A dataclass with pictures: the fields that `FILES` names hold a path each, or several."""

    FILES: ClassVar[tuple[str, ...]] = ("file",)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All its pictures."""
        found = [getattr(self, name) for name in self.FILES]
        return tuple(
            path
            for value in found
            for path in (value if isinstance(value, tuple) else (value,))
            if path is not None
        )

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        values = {one.name: getattr(self, one.name) for one in _fields(type(self))}
        return values | {name: _names(values[name]) for name in self.FILES}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any], folder: Path) -> Self:
        """From its JSON values, the pictures in `folder`.

        Raises:
            InputError: a key that is missing.
            TypeError: a value of another type than its field.
        """
        known = _fields(cls)
        needed = [f.name for f in known if f.default is MISSING and f.default_factory is MISSING]
        require(entry, f"{cls.__name__.lower()}s of {STORY_FILE}", needed)
        hints = get_type_hints(cls)
        return cls(
            **{
                f.name: _typed(entry[f.name], hints[f.name], f.name, folder)
                for f in known
                if f.name in entry
            }
        )


@dataclass(frozen=True, kw_only=True)
class Card(CardText, StoryPart):
    """One attempt before and afterwards, with its words.

    Attributes:
        source: the stage that made it: collect, or a protocol's name.
        file: the picture.
    """

    source: str = ""
    file: Path


@dataclass(frozen=True, kw_only=True)
class PolicyPart(StoryPart):
    """Pictures of what one policy did.

    Attributes:
        source: the stage that made them: collect, or a protocol's name.
        policy: as rows call it.
    """

    source: str = ""
    policy: str


@dataclass(frozen=True, kw_only=True)
class Strip(PolicyPart):
    """The attempts of one policy on one scene.

    Attributes:
        source: the protocol's name.
        policy: as rows call it.
        scene: its seed.
        frames: (N,) the looks before the attempts, with what was done.
        kinds: (N,) what became of each.
        goals: (N,) what each was to fetch; empty where anything would do.
        lifted: (N,) what each lifted, where the simulator knows it.
        attempts: how many the scene had; N at least.
        lost: objects that left the workspace without having been lifted; None without truth.

    Raises:
        InputError: lists of different lengths.
    """

    FILES: ClassVar[tuple[str, ...]] = ("frames",)

    scene: int
    frames: tuple[Path, ...]
    kinds: tuple[str, ...]
    goals: tuple[str, ...]
    lifted: tuple[str, ...]
    attempts: int
    lost: int | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.frames), len(self.kinds), len(self.goals), len(self.lifted)}
        if len(lengths) > 1:
            raise InputError(
                given=f"a strip with lists of {', '.join(map(str, sorted(lengths)))} entries",
                wanted="as many kinds, goals and lifted things as frames",
            )


@dataclass(frozen=True, kw_only=True)
class Scene(PolicyPart):
    """A scene as it was first seen, and all grasps tried on it.

    Attributes:
        source: the stage that played it.
        policy: as rows call it.
        tries: how many grasps.
        kinds: how many of them came to each end.
        color: the first look.
        tried: the same with the grasps.
        depth: the first look's depth; None for a camera without.
    """

    FILES: ClassVar[tuple[str, ...]] = ("color", "tried", "depth")

    tries: int
    kinds: Mapping[str, int]
    color: Path
    tried: Path
    depth: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ScoreMap(PolicyPart):
    """A policy's scores laid over what it saw.

    Attributes:
        source: the stage that played it.
        policy: as rows call it.
        file: the picture.
        id: of the attempt that followed.
        kind: what became of it.
        low: the score at the dark end of the colours.
        high: at the bright end.
    """

    file: Path
    id: str
    kind: str
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Film(PolicyPart):
    """A scene as a moving picture.

    Attributes:
        source: the stage that played it.
        policy: as rows call it.
        file: the animation.
        attempts: how many it shows.
        held: how many of them held something.
    """

    file: Path
    attempts: int
    held: int


@dataclass(frozen=True, kw_only=True)
class Gallery(StoryPart):
    """Pictures under one heading.

    Attributes:
        source: the stage that drew them.
        title: the heading.
        note: what to know of them, in sentences.
        files: (N,) the pictures.
        captions: (N,) texts.

    Raises:
        InputError: another number of captions than of files.
    """

    FILES: ClassVar[tuple[str, ...]] = ("files",)

    source: str = ""
    title: str
    note: str = ""
    files: tuple[Path, ...]
    captions: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.files) != len(self.captions):
            raise InputError(
                given=f"{len(self.files)} files and {len(self.captions)} captions in the pictures "
                f"{self.title!r}",
                wanted="a caption a file",
            )

    def only(self, shown: Set[Path]) -> Gallery:
        """Without the pictures that are not among `shown`, and their captions."""
        pairs = zip(self.files, self.captions, strict=True)
        kept = [(file, caption) for file, caption in pairs if file in shown]
        return replace(self, files=tuple(f for f, _ in kept), captions=tuple(c for _, c in kept))


@dataclass(frozen=True, kw_only=True)
class Outcomes(PolicyPart):
    """How many attempts of one policy came to each end.

    Attributes:
        source: the stage that made them.
        policy: as rows call it.
        round: of collection.
        counts: by kind.
    """

    FILES: ClassVar[tuple[str, ...]] = ()

    round: int = 0
    counts: Mapping[str, int]


def _fields(kind: type[StoryPart]) -> tuple[Field[Any], ...]:
    return fields(kind)  # type: ignore[arg-type]


def _names(value: Path | Iterable[Path] | None) -> str | list[str] | None:
    if value is None:
        return None
    return value.name if isinstance(value, Path) else [path.name for path in value]


def _typed(value: Any, hint: Any, name: str, folder: Path) -> Any:
    """`value` of JSON as a field of type `hint` holds it.

    Raises:
        TypeError: it is of another type, or a count beyond `MOST_FIGURE`.
    """
    kinds = get_args(hint)
    match get_origin(hint):
        case types.UnionType:
            return None if value is None else _typed(value, kinds[0], name, folder)
        case builtins.tuple if isinstance(value, list):
            return tuple(_typed(one, kinds[0], name, folder) for one in value)
        case collections.abc.Mapping if isinstance(value, dict):
            return {key: _typed(one, kinds[1], name, folder) for key, one in value.items()}
    if hint is Path and isinstance(value, str) and "\0" not in value:
        return folder / value
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint is int and type(value) is int and abs(value) < MOST_FIGURE:
        return value
    if hint is str and isinstance(value, str):
        return value
    raise TypeError(f"{name} = {value!r:.60}")
