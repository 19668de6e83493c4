"""The first half of a report: what happened, in pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from selfgrasp.report.chart import stacked_bar
from selfgrasp.report.data import ReportData
from selfgrasp.report.gallery import CardText, card
from selfgrasp.report.html import Page, details, figure, gallery, grid, image, table, tiles
from selfgrasp.report.markup import EMPTY, element, join
from selfgrasp.report.policies import is_learned, is_random
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
from selfgrasp.viz.kinds import HELD, KIND_SENTENCES, MISSED

CARDS_SHOWN = 8


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
    film = _film(data)
    return element("header", element("div", *words), film, class_="hero" if film else "hero plain")


def add_story(page: Page, data: ReportData) -> Page:
    """The sections on what was seen, tried, held, missed and learned; those without pictures are
    left out."""
    story = data.story
    if story.scenes:
        page = page.section(
            "Where it tried",
            *(_scene(entry) for entry in _told_scenes(story.scenes)),
            lead=_SCENE_LEAD,
        )
    if story.cards or story.outcomes:
        page = page.section(
            "What came of it", _outcomes(story.outcomes), *_galleries(story.cards), lead=_CARDS_LEAD
        )
    if story.heats:
        learned = [entry for entry in story.heats if is_learned(entry["policy"])]
        heats = [_heat(entry) for entry in (learned or story.heats)[:6]]
        page = page.section(
            "What it has learned" if learned else "What it thinks of each place",
            grid(*heats, class_="grid three"),
            lead=_HEAT_LEAD,
        )
    return page


_SCENE_LEAD = (
    "A scene as the camera saw it first, in colour and in depth, and every grasp tried on it. "
    "Objects move and leave between tries."
)
_CARDS_LEAD = (
    "Nobody labelled these attempts. After each lift the hand says whether something is "
    "between its fingers; that is all the learning there is. "
    "Left: before, with the fingers drawn where they closed. Right: afterwards, or what is "
    "held. A yellow frame: the judge and the simulator's truth disagree."
)
_HEAT_LEAD = Markup(
    "The policy's opinion of every place, from poor <i class='ramp'></i> to good. White bars "
    "show the best closing direction of a place; "
    "the green grasp is the one it chose."
)


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


def _film(data: ReportData) -> Markup:
    films = sorted(
        data.story.films,
        key=lambda entry: (not is_learned(entry["policy"]), entry["source"] == "collect"),
    )
    if not films:
        return EMPTY
    first = films[0]
    words = (
        f"“{first['policy']}” on one scene: {first['held']} held in {first['attempts']} attempts."
    )
    return figure(image(first["file"], words, lazy=False), words)


def _scene(entry: Mapping[str, Any]) -> Markup:
    seen = [figure(image(entry["color"], "the scene in colour"), "What the camera saw")]
    if "depth" in entry:
        seen.append(figure(image(entry["depth"], "the scene in depth"), "Depth: near is bright"))
    counts = _ordered(entry["kinds"])
    words = join(
        (
            join([element("b", kind, class_=f"kind kind-{kind}"), f" {count}"])
            for kind, count in counts.items()
        ),
        ", ",
    )
    seen.append(
        figure(
            image(entry["tried"], f"{entry['tries']} tried grasps, {counts.get(HELD, 0)} held"),
            words,
        )
    )
    return join(
        [
            element("h3", entry["policy"], element("small", _stage(entry))),
            grid(*seen, class_="grid three"),
        ]
    )


def _outcomes(outcomes: Sequence[Mapping[str, Any]]) -> Markup:
    """One stacked bar a policy and round."""
    if not outcomes:
        return EMPTY
    rows = []
    for entry in outcomes:
        counts = _ordered(entry["counts"])
        total = sum(counts.values())
        who = entry["policy"] + (f", round {entry['round']}" if entry["round"] else "")
        held = counts.get(HELD, 0)
        rows.append(
            [
                join([element("b", who), " ", element("span", _stage(entry), class_="badge")]),
                stacked_bar(list(counts.items())),
                f"{100 * held / total:.0f} % held",
                f"{total:,}",
            ]
        )
    kinds = _ordered(sum((Counter(entry["counts"]) for entry in outcomes), Counter()))
    keys = element(
        "ul",
        *(
            element("li", element("b", kind, class_=f"kind kind-{kind}"), f" {count:,}")
            for kind, count in kinds.items()
        ),
        class_="keys",
    )
    return join(
        [
            table(
                rows, head=("policy", "outcomes", "", "attempts"), numbers=(2, 3), class_="shares"
            ),
            keys,
        ]
    )


def _galleries(cards: Sequence[Mapping[str, Any]]) -> list[Markup]:
    """One gallery a kind; learned policies and late rounds first, a few cards at once and the
    others on a click."""
    kinds = _ordered(Counter(entry["kind"] for entry in cards))
    parts = []
    for kind in kinds:
        some = [entry for entry in cards if entry["kind"] == kind]
        some = _in_turn(
            sorted(some, key=lambda entry: (not is_learned(entry["policy"]), -entry["round"]))
        )
        pictures = [
            card(image(entry["file"], f"attempt {entry['id']}: {kind}"), _text(entry))
            for entry in some
        ]
        shown, rest = (
            (pictures[:CARDS_SHOWN], pictures[CARDS_SHOWN:])
            if kind in (HELD, MISSED)
            else (pictures[:4], pictures[4:])
        )
        parts.append(
            element(
                "h3",
                element("span", kind, class_=f"kind kind-{kind}"),
                element("small", KIND_SENTENCES.get(kind, "")),
            )
        )
        parts.append(gallery(shown))
        if rest:
            parts.append(details(f"{len(rest)} more", gallery(rest)))
    return parts


def _in_turn(cards: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Cards of all policies in turn, so that none hides the others."""
    queues: dict[str, list[Mapping[str, Any]]] = {}
    for entry in cards:
        queues.setdefault(entry["policy"], []).append(entry)
    longest = max((len(queue) for queue in queues.values()), default=0)
    return [queue[i] for i in range(longest) for queue in queues.values() if i < len(queue)]


def _heat(entry: Mapping[str, Any]) -> Markup:
    kind = element("b", entry["kind"], class_=f"kind kind-{entry['kind']}")
    words = join(
        [
            f"{entry['policy']}: the chosen grasp ",
            kind,
            f". Scores {entry['low']:.2f} to {entry['high']:.2f}. ",
            element("code", entry["id"]),
        ]
    )
    return figure(
        image(entry["file"], f"graspability over the scene of attempt {entry['id']}"), words
    )


def _told_scenes(scenes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Random first, then the learned policy: where it tried before and after it learned."""
    random = [entry for entry in scenes if is_random(entry["policy"])][:1]
    learned = [entry for entry in scenes if is_learned(entry["policy"])][-1:]
    return [*random, *learned] or list(scenes[:1])


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """Held and missed first, then the others by how many they are."""
    first = {HELD: 0, MISSED: 1}
    return dict(sorted(counts.items(), key=lambda pair: (first.get(pair[0], 2), -pair[1])))


def _stage(entry: Mapping[str, Any]) -> str:
    words = {"collect": "while collecting", "bench": "in the benchmark"}
    return words.get(entry["source"], entry["source"])


def _text(entry: Mapping[str, Any]) -> CardText:
    keys = ("id", "kind", "policy", "round", "score", "width", "force", "labels")
    return CardText(**{key: entry[key] for key in keys})
