"""`selfgrasp reproduce`: collect, train, measure; the paper's tables with its figures beside
ours."""

from __future__ import annotations

from selfgrasp.papers.jobs import ReproduceJob as Args


def run(args: Args) -> int:
    """All steps, each with its time, and the tables."""
    from selfgrasp.papers.reproduce import as_text, reproduce

    print(as_text(reproduce(args)))
    return 0
