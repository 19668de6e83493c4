"""What the demos have in common: an early end that leaves a page, and how that page is written."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup

from selfgrasp.common.interrupts import STOPPED, stopping
from selfgrasp.core import PolicyRef
from selfgrasp.report.html import Page, figure, image, note
from selfgrasp.viz.picture import Picture


def leaving_its_page(play: Callable[[threading.Event], None]) -> int:
    """Plays a demo; returns the exit code. Ctrl-C sets the event that `play` is given, upon which
    it ends with a page of what there is, or raises `KeyboardInterrupt` where there is nothing."""
    written = False
    try:
        with stopping() as stop:
            play(stop)
            written = True
    except KeyboardInterrupt:
        if not written:
            raise
        return STOPPED
    return 0


def write_report(page: Page, out: Path, *, films: int = 0) -> Path:
    """Writes the page into the folder `out`, says its size on standard error, and returns it.

    Args:
        page: whole.
        out: folder.
        films: in the page, to be said.
    """
    path = out / "report.html"
    size = page.write(path)
    print(f"{f'{films} films, ' if films else ''}{size / 1e6:.1f} MB", file=sys.stderr)
    return path


def pictured(picture: Picture | Path, words: str) -> Markup:
    """A picture with its caption, which stands for it where it cannot be seen."""
    return figure(image(picture, words), words)


def truth_notes(ref: PolicyRef) -> list[Markup]:
    """What a policy's training read that a robot cannot sense; empty for nothing."""
    labels = ", ".join(ref.privileged)
    return [note(f"Its training read {labels}, which only a simulator knows.")] if labels else []
