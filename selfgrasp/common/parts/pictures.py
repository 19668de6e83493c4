"""Pictures of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfgrasp.common.parts.part import Part, require
from selfgrasp.core import InputError


@dataclass(frozen=True, kw_only=True)
class Pictures(Part):
    """An entry of `pictures`.

    Attributes:
        title: their heading.
        note: what to know of them, in sentences.
        files: (N,) names in the run's folder `pictures`.
        captions: (N,) texts.

    Raises:
        InputError: another number of captions than of files.
    """

    title: str
    note: str = ""
    files: Sequence[str]
    captions: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(self.files))
        object.__setattr__(self, "captions", tuple(self.captions))
        if len(self.files) != len(self.captions):
            raise InputError(
                given=f"{len(self.files)} files and {len(self.captions)} captions in the pictures "
                f"{self.title!r}",
                wanted="a caption a file",
            )

    @staticmethod
    def from_json(entry: Mapping[str, Any]) -> Pictures:
        """From its JSON values; a file without a caption gets an empty one.

        Raises:
            InputError: a key that is missing, or captions without a file.
        """
        require(entry, "pictures", ("title", "files"))
        captions = [str(caption) for caption in entry.get("captions") or ()]
        return Pictures(
            title=str(entry["title"]),
            note=str(entry.get("note") or ""),
            files=[str(file) for file in entry["files"]],
            captions=captions + [""] * (len(entry["files"]) - len(captions)),
        )
