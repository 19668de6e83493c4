"""The sets of objects that have names: what reports call them, and which names mean the same.
Imports nothing heavy, so that `--help` comes at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class SetLabel(StrEnum):
    """What reports call a set of objects, by whether a learned policy has met them."""

    SEEN = "seen"
    NOVEL = "novel"
    MIXED = "mixed"
    VALIDATION = "validation"

    @property
    def words(self) -> str:
        """For a sentence."""
        return {
            SetLabel.SEEN: "objects seen in training",
            SetLabel.NOVEL: "novel objects",
            SetLabel.MIXED: "seen and novel objects mixed",
            SetLabel.VALIDATION: "validation objects",
        }[self]


@dataclass(frozen=True)
class ObjectSet:
    """A set of objects.

    Attributes:
        name: as sessions store it.
        label: in reports; None where none is reported on.
        alias: another name that means this set; empty for none.
        instances: of each category; 0 for a set without categories.
    """

    name: str
    label: SetLabel | None = None
    alias: str = ""
    instances: int = 0


_SETS = (
    ObjectSet("train", SetLabel.SEEN, alias="seen"),
    ObjectSet("validation", SetLabel.VALIDATION),
    ObjectSet("test", SetLabel.NOVEL, alias="novel"),
    ObjectSet("stage"),
    ObjectSet("categories", SetLabel.SEEN, instances=24),
    ObjectSet("categories-validation", SetLabel.VALIDATION, instances=4),
    ObjectSet("categories-test", SetLabel.NOVEL, instances=6),
    ObjectSet("assorted"),
    ObjectSet("adversarial"),
    ObjectSet("household"),
    ObjectSet("blocks", SetLabel.SEEN),
    ObjectSet("blocks-novel", SetLabel.NOVEL),
    ObjectSet("vessels", SetLabel.SEEN),
    ObjectSet("vessels-validation", SetLabel.VALIDATION),
    ObjectSet("vessels-novel", SetLabel.NOVEL),
    ObjectSet("vessels-many", SetLabel.SEEN),
    ObjectSet("vessels-white", SetLabel.SEEN),
    ObjectSet("vessels-novel-white", SetLabel.NOVEL),
    ObjectSet("mixed", SetLabel.MIXED),
)
SETS: Mapping[str, ObjectSet] = {one.name: one for one in _SETS}
"""By name. "mixed" is half of "train" and all of "test"; the catalogue makes the others."""
CATEGORY_SETS: Mapping[SetLabel, str] = {
    one.label: one.name for one in _SETS if one.instances and one.label
}
"""The sets of known categories, by what reports call them."""


def canonical(name: str) -> str:
    """The name of the set that `name` means; anything else, as a folder, is itself."""
    return next((one.name for one in _SETS if one.alias == name), name)


def set_label(objects: str) -> str:
    """How reports call a set of objects: seen, novel, mixed, validation, or a folder's name."""
    known = SETS.get(canonical(objects))
    return str(known.label) if known is not None and known.label else Path(objects).name


def folder_part(name: str) -> tuple[str, str]:
    """A folder or set, and which part of it: "train", "test", or empty for the whole.

    Any other `#` is a letter of the path, and so is that of a folder that is really called so.
    """
    folder, mark, part = name.rpartition("#")
    literal = Path(name).is_dir() and not Path(folder).is_dir()
    if not mark or part not in ("train", "test") or literal:
        return name, ""
    return folder, part
