"""One self-contained page: no script, no other file, light and dark; all text is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from selfgrasp.common.files import atomic_write
from selfgrasp.core import InputError
from selfgrasp.report.markup import EMPTY, element, join, safe
from selfgrasp.viz.picture import Picture, data_uri, size_of


@dataclass(frozen=True)
class Section:
    """A heading, a leading sentence and what follows."""

    heading: str
    lead: object
    body: Markup

    @property
    def anchor(self) -> str:
        """The address of the heading within the page."""
        return re.sub(r"[^a-z0-9]+", "-", self.heading.lower()).strip("-")


@dataclass(frozen=True)
class Page:
    """A page as a value: `section` gives a longer one.

    Attributes:
        title: of the window.
        hero: what stands above the first section.
        sections: in order.
        script: inline JavaScript; a page must be readable without it.
    """

    title: str
    hero: Markup = EMPTY
    sections: tuple[Section, ...] = ()
    script: str = ""

    def section(self, heading: str, *body: object, lead: object = "") -> Page:
        """The page with one more section; text among `body` becomes paragraphs' content as it is,
        escaped."""
        return replace(self, sections=(*self.sections, Section(heading, lead, join(body))))

    def html(self) -> str:
        """The whole document."""
        style = files("selfgrasp.report").joinpath("style.css").read_text()
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", self.title),
            element("style", Markup(style)),
        )
        names = [
            element("a", section.heading, href=f"#{section.anchor}") for section in self.sections
        ]
        nav = element("nav", *names, aria_label="Sections") if len(names) > 1 else EMPTY
        parts = [_section(section) for section in self.sections]
        script = element("script", Markup(self.script)) if self.script else EMPTY
        body = element("body", element("main", self.hero, nav, *parts), script)
        return Markup("<!doctype html>\n") + element("html", head, body, lang="en")

    def write(self, path: Path) -> int:
        """Writes the document in one go, and says its size in bytes.

        Raises:
            InputError: a folder of that name.
        """
        if path.is_dir():
            raise InputError(given=f"{path}, a folder", wanted="the page's file")
        with atomic_write(path) as partial:
            # Half a pair of surrogates, which JSON may hold, is no text in UTF-8.
            return partial.write_bytes(self.html().encode(errors="replace"))


def paragraph(*words: object) -> Markup:
    """A paragraph."""
    return element("p", *words)


def table(
    rows: Sequence[Sequence[object]],
    *,
    head: Sequence[object] = (),
    numbers: Sequence[int] = (),
    class_: str | None = None,
) -> Markup:
    """A table; columns whose index is in `numbers` are set right-aligned in even-width figures."""

    def cells(row: Sequence[object], tag: str) -> Markup:
        return join(
            element(tag, cell, class_="number" if i in numbers else None)
            for i, cell in enumerate(row)
        )

    heading = element("thead", element("tr", cells(head, "th"))) if head else EMPTY
    body = element("tbody", *(element("tr", cells(row, "td")) for row in rows))
    return element("div", element("table", heading, body, class_=class_), class_="scroll")


def figure(picture: Markup, caption: object) -> Markup:
    """A picture or a chart with its caption."""
    return element("figure", picture, element("figcaption", caption))


def grid(*cells: Markup, class_: str = "grid two") -> Markup:
    """Cells side by side where there is room."""
    return element("div", *cells, class_=class_)


def gallery(cards: Sequence[Markup]) -> Markup:
    """Cards that flow over the width."""
    return element("div", *cards, class_="gallery")


def details(summary: object, *body: object, opened: bool = False) -> Markup:
    """What opens on a click."""
    return element(
        "details", element("summary", summary), element("div", *body, class_="inside"), open=opened
    )


def facts(pairs: Sequence[tuple[object, object]]) -> Markup:
    """Names with their values, one under another."""
    return element(
        "dl",
        *(join([element("dt", name), element("dd", value)]) for name, value in pairs),
        class_="facts",
    )


def tiles(pairs: Sequence[tuple[object, object]]) -> Markup:
    """Large figures with what they are: (figure, words) pairs."""
    return element(
        "div",
        *(element("div", element("b", value), element("span", words)) for value, words in pairs),
        class_="tiles",
    )


def code(text: str) -> Markup:
    """Commands or JSON as they are."""
    return element("pre", element("code", text))


def note(words: object) -> Markup:
    """A quiet remark: what is missing, what was left out."""
    return element("p", safe(words), class_="note")


def _section(section: Section) -> Markup:
    lead = element("p", section.lead, class_="lead") if section.lead else EMPTY
    return element("section", element("h2", section.heading), lead, section.body, id=section.anchor)


def image(picture: Picture | Path, alt: str, *, lazy: bool = True) -> Markup:
    """An <img> with the picture inside the page; `alt` says in words what it shows."""
    width, height = size_of(picture)
    return element(
        "img",
        src=data_uri(picture),
        alt=alt,
        width=width,
        height=height,
        loading="lazy" if lazy else None,
        decoding="async",
    )
