"""HTML and SVG elements; text is escaped, `Markup` is not."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

VOID_TAGS = frozenset({"img", "br", "hr", "meta", "input", "link"})

EMPTY = Markup()
"""Nothing."""


def safe(value: object) -> Markup:
    """`value` as markup: itself if it is markup, nothing for None, escaped text otherwise."""
    return EMPTY if value is None else escape(value)


def join(parts: Iterable[object], separator: str = "") -> Markup:
    """The parts one after another, each made safe."""
    return escape(separator).join(safe(part) for part in parts)


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
    short = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
    return f' {key}="{escape(short)}"'
