"""What stands above a page's first section: one sentence, the key figures, a film."""

from __future__ import annotations

from markupsafe import Markup

from selfgrasp.report.data import ReportData
from selfgrasp.report.html import figure, image, tiles
from selfgrasp.report.markup import EMPTY, element, join
from selfgrasp.report.policies import is_learned
from selfgrasp.report.words import (
    Gain,
    attempts_watched,
    duration,
    gain,
    metric,
    objects_in_words,
    range_text,
    total_seconds,
    value_text,
)


def hero(data: ReportData) -> Markup:
    """One sentence, the key figures, and the film of the learned policy."""
    found = gain(data)
    eyebrow = " · ".join(
        part
        for part in (
            "selfgrasp",
            str(data.report.get("protocol", "")),
            str(data.report.get("cell", "")),
        )
        if part
    )
    words = [
        element("p", eyebrow, class_="eyebrow"),
        element("h1", _headline(found)),
        element("p", _standfirst(data, found), class_="standfirst"),
    ]
    words.append(tiles(_key_figures(data, found)))
    film = _film(data, found)
    return element("header", element("div", *words), film, class_="hero" if film else "hero plain")


def _headline(found: Gain | None) -> Markup:
    if found is None:
        return Markup("A robot that tries, feels, and keeps what it learned")
    m = metric(found.learned.metric)
    before, after = value_text(m, found.base.value), value_text(m, found.learned.value)
    subject = "It taught itself to grasp: " if found.better else "It has not learned yet: "
    return join(
        [
            subject,
            f"{m.title.lower()} from ",
            element("em", before, class_="from"),
            " to ",
            element("em", after, class_="to"),
        ]
    )


def _standfirst(data: ReportData, found: Gain | None) -> str:
    attempts, seconds = attempts_watched(data), total_seconds(data)
    parts = []
    if attempts:
        parts.append(f"{attempts:,} attempts")
    if seconds:
        parts.append(duration(seconds))
    spent = " and ".join(parts)
    text = f"{spent}, {data.report.get('labelled', 'no human label')}. " if spent else ""
    if found is not None:
        text += (
            f"Random grasps against the policy “{found.learned.policy}” on "
            f"{objects_in_words(found.learned.objects)}: "
            f"{metric(found.learned.metric).meaning}, over {found.learned.n:,} trials."
        )
    return text


def _key_figures(data: ReportData, found: Gain | None) -> list[tuple[object, object]]:
    pairs: list[tuple[object, object]] = []
    if found is not None:
        m = metric(found.learned.metric)
        pairs.append(
            (
                value_text(m, found.learned.value),
                f"learned, 95 % interval {range_text(m, found.learned.low, found.learned.high)}",
            )
        )
        pairs.append(
            (
                value_text(m, found.base.value),
                f"random, {range_text(m, found.base.low, found.base.high)}",
            )
        )
    if attempts := attempts_watched(data):
        pairs.append((f"{attempts:,}", "attempts"))
    if seconds := total_seconds(data):
        pairs.append((duration(seconds), "from nothing to this page"))
    return pairs


def _film(data: ReportData, found: Gain | None) -> Markup:
    """Of the policy in the headline, else of a learned one; of a benchmark, and the longest."""
    best = found.learned.policy if found else None
    films = sorted(
        data.story.films,
        key=lambda film: (
            film.policy != best,
            not is_learned(film.policy),
            film.source == "collect",
            -film.attempts,
        ),
    )
    if not films:
        return EMPTY
    first = films[0]
    words = f"“{first.policy}” in the film: {first.held} held in {first.attempts} attempts."
    return figure(image(first.file, words, lazy=False), words)
