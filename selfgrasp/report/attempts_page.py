"""The page of attempts that `selfgrasp view` writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files

from markupsafe import Markup

from selfgrasp.core import Attempt
from selfgrasp.report.card import CardText, card
from selfgrasp.report.html import Page, gallery, image, note
from selfgrasp.report.markup import element
from selfgrasp.viz.card import attempt_card

FACETS = ("kind", "policy", "round", "object")
"""What the page can be filtered by, beside the text of an id."""

OBJECT_LABELS = ("truth.object", "object")


def attempts_page(
    attempts: Iterable[tuple[Attempt, Mapping[str, object]]],
    *,
    title: str,
    total: int | None = None,
    view: str | None = None,
) -> Page:
    """A page with a card for each attempt, and filters that work in the browser; without JavaScript
    all cards show.

    Args:
        attempts: attempts with their labels by name, read once.
        title: of the page.
        total: how many attempts the dataset has, where not all are shown.
        view: name of the camera; the first one by default.
    """
    facets: list[dict[str, str]] = []
    cards = list(_cards(attempts, facets, view))
    shown = (
        f"{len(cards):,} attempts"
        if total is None or total == len(cards)
        else f"{len(cards):,} of {total:,} attempts, evenly spread"
    )
    lead = (
        "Left: before, with the fingers drawn where they closed. Right: the same place "
        "afterwards, or what is held. A yellow frame: judge and truth disagree."
    )
    hero = element(
        "header",
        element("p", "selfgrasp · attempts", class_="eyebrow"),
        element("h1", title),
        element("p", f"{shown}. {lead}", class_="standfirst"),
    )
    body = [_filters(facets), gallery(cards)] if cards else [note("No attempts here.")]
    script = files("selfgrasp.report").joinpath("filter.js").read_text()
    return Page(title=f"{title} · attempts", hero=hero, script=script).section("Attempts", *body)


def _cards(
    attempts: Iterable[tuple[Attempt, Mapping[str, object]]],
    facets: list[dict[str, str]],
    view: str | None,
) -> Iterator[Markup]:
    for attempt, labels in attempts:
        text = CardText.of(attempt, labels)
        thing = next((text.labels[name] for name in OBJECT_LABELS if text.labels.get(name)), "")
        facet = {
            "kind": text.kind,
            "policy": text.policy,
            "round": str(text.round),
            "object": thing,
        }
        facets.append(facet)
        picture = image(
            attempt_card(attempt, labels, view=view, pixels=176),
            f"attempt {attempt.id}: {text.kind}",
        )
        yield element(
            "div",
            card(picture, text),
            class_="item",
            data_id=text.id,
            data_facets=json.dumps(facet),
        )


def _filters(facets: Sequence[Mapping[str, str]]) -> Markup:
    """A choice for every facet that has more than one value, and a search over ids."""
    fields = []
    for name in FACETS:
        values = sorted(
            {facet[name] for facet in facets if facet[name]},
            key=lambda value: (len(value), value) if name == "round" else (0, value),
        )
        if len(values) > 1:
            options = [element("option", "all", value="")] + [
                element("option", f"{v} ({sum(f[name] == v for f in facets)})", value=v)
                for v in values
            ]
            fields.append(
                element(
                    "label",
                    "outcome" if name == "kind" else name,
                    element("select", *options, data_facet=name),
                )
            )
    fields.append(
        element(
            "label",
            "id contains",
            element(
                "input", type="search", data_search=True, autocomplete="off", spellcheck="false"
            ),
        )
    )
    return element(
        "form", *fields, element("output", f"{len(facets):,} shown"), class_="filters", hidden=True
    )
