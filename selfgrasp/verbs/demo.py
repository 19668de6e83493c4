"""`selfgrasp demo`: a system shows what it does; each has options of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from selfgrasp.common.lock import FolderLock
from selfgrasp.papers.registry import Demo, demo_named, demos
from selfgrasp.papers.supersizing.demo import Args, run
from selfgrasp.verbs.cell_options import said, with_cell
from selfgrasp.verbs.command import Chosen
from selfgrasp.workcell.cells.registry import cell_kind

__all__ = ["Args", "choose", "run"]
DEFAULT = "supersizing"


def choose(arguments: Sequence[str]) -> Chosen:
    """The system that the first argument names, or the default one.

    Raises:
        InputError: no such system; the message lists the known ones.
    """
    if arguments and not arguments[0].startswith("-"):
        name, *rest = arguments
        return _chosen(demo_named(name), rest, prog=name)
    others = ", ".join(f"`selfgrasp demo {name} --help`" for name in demos() if name != DEFAULT)
    more = f"Other systems have options of their own: {others}."
    return _chosen(demo_named(DEFAULT), arguments, more=more)


def _chosen(demo: Demo, arguments: Sequence[str], *, prog: str = "", more: str = "") -> Chosen:
    read = partial(_read, demo) if demo.cell else None
    return Chosen(demo.args, partial(_alone, demo), arguments, prog=prog, more=more, read=read)


def _alone(demo: Demo, args: Any) -> int:
    """The demo, unless another process plays one in the same folder."""
    out = getattr(args, "out", None)
    if not isinstance(out, Path):
        return demo.run(args)
    with FolderLock(out, ".demo", what="folder", doing="playing a demo in"):
        return demo.run(args)


def _read(demo: Demo, arguments: Sequence[str], parse: Callable[[type[Any]], Any]) -> Any:
    """The demo's arguments with the options of its cell; in `options` only what was given."""
    args = parse(with_cell(demo.args, demo.cell, cell_kind(demo.cell).options()))
    return replace(args, options=said(arguments, args.options))
