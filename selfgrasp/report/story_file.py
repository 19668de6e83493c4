"""All pictures of a run: `pictures/story.json`, their table of contents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfgrasp.common.files import atomic_write
from selfgrasp.common.parts.part import entries
from selfgrasp.common.untrusted import read_json
from selfgrasp.core import InputError
from selfgrasp.report.story_parts import (
    STORY_FILE,
    Card,
    Film,
    Gallery,
    Outcomes,
    Scene,
    ScoreMap,
    StoryPart,
    Strip,
)
from selfgrasp.viz.picture import is_shown


@dataclass(frozen=True)
class Story:
    """All pictures of a run; names of the fields are the lists of story.json."""

    strips: tuple[Strip, ...] = ()
    cards: tuple[Card, ...] = ()
    scenes: tuple[Scene, ...] = ()
    heats: tuple[ScoreMap, ...] = ()
    films: tuple[Film, ...] = ()
    outcomes: tuple[Outcomes, ...] = ()
    galleries: tuple[Gallery, ...] = ()

    @staticmethod
    def read(folder: Path) -> Story:
        """What story.json in `folder` says; nothing where there is none.

        Raises:
            InputError: a file that is no JSON, or an entry that lacks a key.
        """
        path = folder / STORY_FILE
        if not path.exists():
            return Story()
        contents = read_json(path)
        if not isinstance(contents, dict):
            raise InputError(given=f"{path} holding {type(contents).__name__}", wanted="an object")

        def part(name: str, kind: type[StoryPart]) -> tuple[Any, ...]:
            return entries(
                contents, name, lambda entry: kind.from_json(entry, folder), file=STORY_FILE
            )

        return Story(**{name: part(name, kind) for name, kind in PARTS.items()})

    def write(self, folder: Path) -> Path:
        """Writes story.json beside the pictures, and says where."""
        path = folder / STORY_FILE
        contents = {name: [part.to_json() for part in getattr(self, name)] for name in PARTS}
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(contents, indent=1))
        return path

    def __add__(self, other: Story) -> Story:
        """Both, one after the other."""
        return Story(**{name: getattr(self, name) + getattr(other, name) for name in PARTS})

    def existing(self, folder: Path) -> Story:
        """Without pictures that a page cannot show: whose files are gone or broken, are no files in
        `folder` itself, or are links."""
        shown = {path for path in set(self.paths) if path.parent == folder and is_shown(path)}
        whole = {
            name: tuple(part for part in getattr(self, name) if shown.issuperset(part.paths))
            for name in PARTS
        }
        some = tuple(kept for g in self.galleries if (kept := g.only(shown)).files)
        return Story(**(whole | {"galleries": some}))

    @property
    def paths(self) -> tuple[Path, ...]:
        """All pictures."""
        return tuple(p for name in PARTS for part in getattr(self, name) for p in part.paths)

    def of_others(self, source: str) -> Story:
        """Without what the stage `source` made."""
        return Story(
            **{
                name: tuple(part for part in getattr(self, name) if part.source != source)
                for name in PARTS
            }
        )


def add_to_story(folder: Path, story: Story, source: str) -> Path:
    """Writes story.json in `folder` with `story` in place of what the stage `source` made before.

    Raises:
        InputError: a story.json that cannot be read.
    """
    return (Story.read(folder).of_others(source) + story).write(folder)


PARTS: Mapping[str, type[StoryPart]] = {
    "strips": Strip,
    "cards": Card,
    "scenes": Scene,
    "heats": ScoreMap,
    "films": Film,
    "outcomes": Outcomes,
    "galleries": Gallery,
}
