"""What papers say of their own methods, looked up for the rows of a benchmark.

A paper's folder may hold a module `figures` with a tuple `FIGURES`; the folder's name, or that of
the entry point of the group `selfgrasp.papers`, is the name of the method.
"""

from __future__ import annotations

from dataclasses import dataclass

from selfgrasp.common.outside import say_once
from selfgrasp.core import InputError
from selfgrasp.papers.registry import module_named


@dataclass(frozen=True)
class Figure:
    """A published figure.

    Attributes:
        protocol: of ours, in which the same is measured.
        metric: of that protocol, by its name in report.json.
        value: as in the report; rates are fractions.
        where: in the paper.
        objects: label of the set of objects that it holds for; empty for any.
        variant: of the policy that it holds for; empty for every variant without its own figure.
    """

    protocol: str
    metric: str
    value: float
    where: str
    objects: str = ""
    variant: str = ""


def figures_of(method: str) -> tuple[Figure, ...]:
    """The figures of the paper about this method; none if there is no such paper.

    They only stand beside what was measured: those of a broken module are left out, which is said
    once on standard error.
    """
    try:
        found: tuple[Figure, ...] = getattr(module_named(method, "figures"), "FIGURES", ())
    except InputError as error:
        say_once(str(error))
        return ()
    return found


def published(
    *, method: str, variant: str, protocol: str, metric: str, objects: str
) -> float | None:
    """The figure to print beside a row; see `evaluation.protocol.Published`."""
    fitting = [
        figure
        for figure in figures_of(method)
        if (figure.protocol, figure.metric) == (protocol, metric)
        and figure.objects in ("", objects)
        and figure.variant in ("", variant)
    ]
    # The figure of the very variant before that of all variants.
    return max(fitting, key=lambda figure: len(figure.variant)).value if fitting else None
