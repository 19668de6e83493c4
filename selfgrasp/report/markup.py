"""HTML that is escaped unless it says it is markup."""

from __future__ import annotations

import html
from collections.abc import Iterable

VOID_TAGS = frozenset({"img", "br", "hr", "meta", "input", "link"})


class Markup(str):
    """A piece of HTML that is already safe; every other string is escaped when it enters a page."""

    __slots__ = ()


EMPTY = Markup("")
"""Nothing."""


def safe(value: object) -> Markup:
    """`value` as markup: itself if it is markup, nothing for None, escaped text otherwise."""
    if isinstance(value, Markup):
        return value
    return Markup("" if value is None else html.escape(str(value)))


def join(parts: Iterable[object], separator: str = "") -> Markup:
    """The parts one after another, each made safe."""
    return Markup(html.escape(separator).join(safe(part) for part in parts))


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """One HTML or SVG element.

    Args:
        tag: its name.
        children: text (escaped) and markup.
        attributes: `class_` stands for class, `stroke_width` for stroke-width; None and False are
            left out, True is a bare name.
    """
    opening = tag + "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in VOID_TAGS:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{join(children)}</{tag}>")


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    key = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {key}"
    short = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {key}="{html.escape(short, quote=True)}"'
