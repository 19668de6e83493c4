"""The first half of a report: what happened, in pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from selfgrasp.report.bars import stacked_bar
from selfgrasp.report.card import card, kind_mark
from selfgrasp.report.data import ReportData
from selfgrasp.report.html import Page, details, figure, gallery, grid, image, table
from selfgrasp.report.markup import EMPTY, element, join
from selfgrasp.report.policies import is_learned, is_random
from selfgrasp.report.story_parts import Card, Outcomes, Scene, ScoreMap
from selfgrasp.report.strips import STRIPS_LEAD, strip_rows
from selfgrasp.viz.kinds import HELD, KIND_SENTENCES, MISSED

CARDS_SHOWN = 8


def add_story(page: Page, data: ReportData) -> Page:
    """The sections on what was seen, tried, held, missed and learned; those without pictures are
    left out."""
    story = data.story
    if story.strips:
        page = page.section("What it did", *strip_rows(story.strips), lead=STRIPS_LEAD)
    if story.scenes:
        page = page.section(
            "Where it tried",
            *(_scene(entry) for entry in _shown_scenes(story.scenes)),
            lead=_SCENE_LEAD,
        )
    if story.cards or story.outcomes:
        page = page.section(
            "What came of it", _outcomes(story.outcomes), *_galleries(story.cards), lead=_CARDS_LEAD
        )
    if story.heats:
        learned = [entry for entry in story.heats if is_learned(entry.policy)]
        heats = [_score_map(entry) for entry in (learned or story.heats)[:6]]
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
    "The policy's score of every place, from poor <i class='ramp'></i> to good. White bars "
    "show the best closing direction of a place, arrows the best direction of a push from there; "
    "what it chose is green."
)


def _scene(entry: Scene) -> Markup:
    seen = [figure(image(entry.color, "the scene in colour"), "What the camera saw")]
    if entry.depth is not None:
        seen.append(figure(image(entry.depth, "the scene in depth"), "Depth: near is bright"))
    counts = _ordered(entry.kinds)
    words = join((join([kind_mark(kind), f" {count}"]) for kind, count in counts.items()), ", ")
    alt = f"{entry.tries} tried grasps, {counts.get(HELD, 0)} held"
    seen.append(figure(image(entry.tried, alt), words))
    heading = element("h3", entry.policy, element("small", _stage(entry.source)))
    return join([heading, grid(*seen, class_="grid three")])


def _outcomes(outcomes: Sequence[Outcomes]) -> Markup:
    """One stacked bar a policy and round."""
    if not outcomes:
        return EMPTY
    rows = []
    for entry in outcomes:
        counts = _ordered(entry.counts)
        total = sum(counts.values())
        who = entry.policy + (f", round {entry.round}" if entry.round else "")
        badge = element("span", _stage(entry.source), class_="badge")
        rows.append(
            [
                join([element("b", who), " ", badge]),
                stacked_bar(list(counts.items())),
                f"{100 * counts.get(HELD, 0) / total:.0f} % held",
                f"{total:,}",
            ]
        )
    kinds = _ordered(sum((Counter(entry.counts) for entry in outcomes), Counter()))
    keys = element(
        "ul",
        *(element("li", kind_mark(kind), f" {count:,}") for kind, count in kinds.items()),
        class_="keys",
    )
    head = ("policy", "outcomes", "", "attempts")
    return join([table(rows, head=head, numbers=(2, 3), class_="shares"), keys])


def _galleries(cards: Sequence[Card]) -> list[Markup]:
    """One gallery a kind; learned policies and late rounds first, a few cards at once and the
    others on a click."""
    parts = []
    for kind in _ordered(Counter(entry.kind for entry in cards)):
        some = _in_turn(
            sorted(
                (entry for entry in cards if entry.kind == kind),
                key=lambda entry: (not is_learned(entry.policy), -entry.round),
            )
        )
        pictures = [card(image(entry.file, f"attempt {entry.id}: {kind}"), entry) for entry in some]
        at_once = CARDS_SHOWN if kind in (HELD, MISSED) else CARDS_SHOWN // 2
        meaning = element("small", KIND_SENTENCES.get(kind, ""))
        parts.append(element("h3", kind_mark(kind), meaning))
        parts.append(gallery(pictures[:at_once]))
        if rest := pictures[at_once:]:
            parts.append(details(f"{len(rest)} more", gallery(rest)))
    return parts


def _in_turn(cards: Sequence[Card]) -> list[Card]:
    """Cards of all policies in turn, so that none hides the others."""
    queues: dict[str, list[Card]] = {}
    for entry in cards:
        queues.setdefault(entry.policy, []).append(entry)
    longest = max((len(queue) for queue in queues.values()), default=0)
    return [queue[i] for i in range(longest) for queue in queues.values() if i < len(queue)]


def _score_map(entry: ScoreMap) -> Markup:
    words = join(
        [
            f"{entry.policy}, and what came of what it chose: ",
            kind_mark(entry.kind),
            f". Scores {entry.low:.2f} to {entry.high:.2f}. ",
            element("code", entry.id),
        ]
    )
    return figure(image(entry.file, f"scores over the scene of attempt {entry.id}"), words)


def _shown_scenes(scenes: Sequence[Scene]) -> list[Scene]:
    """Random first, then the learned policy: where it tried before and after it learned."""
    random = [entry for entry in scenes if is_random(entry.policy)][:1]
    learned = [entry for entry in scenes if is_learned(entry.policy)][-1:]
    return [*random, *learned] or list(scenes[:1])


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """Held and missed first, then the others by how many they are."""
    first = {HELD: 0, MISSED: 1}
    return dict(sorted(counts.items(), key=lambda pair: (first.get(pair[0], 2), -pair[1])))


def _stage(source: str) -> str:
    words = {"collect": "while collecting", "bench": "in the benchmark"}
    return words.get(source, f"in “{source}”")
