"""Draws what an embedding found, for a page: retrievals, heats over scenes, nearest scenes (figures
6, 4b and 4a of Jang et al. 2018)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2

from selfgrasp.common.files import write_whole
from selfgrasp.core import View
from selfgrasp.protocols.embedding_shown import Shown, ShownHeat, ShownRetrieval, ShownScenes
from selfgrasp.report.story_file import Story, add_to_story
from selfgrasp.report.story_parts import Gallery
from selfgrasp.viz.heat_picture import heat_picture
from selfgrasp.viz.picture import Color, Picture, encode_webp
from selfgrasp.viz.rows import fitted, in_a_row

_SIDE = 224
_RIGHT: Color = (46, 160, 90)
_WRONG: Color = (205, 50, 45)
_NEUTRAL: Color = (90, 94, 104)
_NOTES = {
    ShownRetrieval: (
        "Retrieval",
        "The scene before, the scene after, what was lifted, and the held picture that is nearest "
        "to the difference of the scenes. Green: of the same object.",
    ),
    ShownHeat: (
        "Where the object is",
        "A held picture of an object, from another attempt, and the inner products of its vector "
        "with a scene's places. Green: the peak, in the circle, lies on that object.",
    ),
    ShownScenes: (
        "Nearest scenes",
        "A scene, and the scenes of other drops whose vectors are nearest to its own.",
    ),
}


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A picture on its way into a gallery."""

    title: str
    note: str
    picture: Picture
    caption: str


class EmbeddingRecorder:
    """Collects while a measurement runs and writes galleries into `folder`/story.json at the end of
    a `with`.

    Args:
        folder: a run's `pictures/`.
        source: the protocol's name.
    """

    def __init__(self, folder: Path, *, source: str) -> None:
        self._folder, self._source = folder, source
        self._drawn: list[_Drawn] = []

    def __enter__(self) -> EmbeddingRecorder:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Writes what was drawn, also after an interruption; nothing where nothing was."""
        if self._drawn:
            add_to_story(self._folder, Story(galleries=self._galleries()), self._source)

    def show(self, shown: Shown) -> None:
        """Draws one."""
        kind, note = _NOTES[type(shown)]
        title = f"{kind}: {shown.policy}, {shown.objects}"
        self._drawn.append(_Drawn(title, note, drawn(shown), caption(shown)))

    def _galleries(self) -> tuple[Gallery, ...]:
        self._folder.mkdir(parents=True, exist_ok=True)
        galleries = []
        for title in dict.fromkeys(one.title for one in self._drawn):
            group = [one for one in self._drawn if one.title == title]
            galleries.append(
                Gallery(
                    source=self._source,
                    title=title,
                    note=group[0].note,
                    files=tuple(self._written(one.picture) for one in group),
                    captions=tuple(one.caption for one in group),
                )
            )
        return tuple(galleries)

    def _written(self, picture: Picture) -> Path:
        data = encode_webp(picture)
        path = self._folder / f"embedding-{hashlib.sha256(data).hexdigest()[:16]}.webp"
        write_whole(path, data)
        return path


def drawn(shown: Shown) -> Picture:
    """Pictures beside each other, the last ones framed in green or red."""
    match shown:
        case ShownRetrieval():
            color = _RIGHT if shown.name == shown.found_name else _WRONG
            seen = [fitted(v.color, _SIDE) for v in (shown.before, shown.after, shown.held)]
            return in_a_row([*seen, _framed(shown.found, color)])
        case ShownHeat():
            color = _RIGHT if shown.name == shown.found_name else _WRONG
            heat = _frame(fitted(heat_picture(shown.scene, shown.heat), _SIDE), color)
            seen = [fitted(v.color, _SIDE) for v in (shown.goal, shown.scene)]
            return in_a_row([*seen, heat])
        case ShownScenes():
            others = [_framed(view, _NEUTRAL) for view in shown.nearest]
            return in_a_row([fitted(shown.scene.color, _SIDE), *others])


def caption(shown: Shown) -> str:
    """What a picture says."""
    if isinstance(shown, ShownScenes):
        known = [str(n) for n in shown.common if n is not None]
        return f"objects in common: {', '.join(known)}" if known else ""
    found = shown.found_name or "no object"
    if found == shown.name:
        return shown.name
    return f"{shown.name}: found {found}"


def _framed(view: View, color: Color) -> Picture:
    return _frame(fitted(view.color, _SIDE), color)


def _frame(picture: Picture, color: Color) -> Picture:
    height, width = picture.shape[:2]
    framed = picture.copy()
    cv2.rectangle(framed, (1, 1), (width - 2, height - 2), color, 4)
    return framed
