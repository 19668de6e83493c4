"""Keeps what a page shows of a benchmark or a collection while it runs: strips of the first scenes,
cards of every kind, a scene with its grasps, score maps and a film."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from selfgrasp.common.files import write_whole
from selfgrasp.core import CellSpec, Grasp, Heat, Plan, Push, View
from selfgrasp.report.card import CardText
from selfgrasp.report.policies import is_learned
from selfgrasp.report.story_file import Story, add_to_story
from selfgrasp.report.story_parts import Card, Film, Outcomes, Scene, ScoreMap, Strip
from selfgrasp.viz.animate import Take, animation, clearing_film
from selfgrasp.viz.card import attempt_card, attempt_frame
from selfgrasp.viz.draw import scene_overlay
from selfgrasp.viz.heat import Span, beside_each_other
from selfgrasp.viz.kinds import HELD, grasp_of, kind_of, label_values, push_of
from selfgrasp.viz.picture import Picture, depth_picture, encode_webp, upscale
from selfgrasp.workcell.attempt import Played

Item = TypeVar("Item")


@dataclass(frozen=True)
class StoryOptions:
    """How much a story keeps; memory stays bounded however long the run.

    Attributes:
        cards: of each kind and policy.
        scenes: that a policy has strips of.
        single_scenes: the same where every scene has one attempt.
        frames: of one strip at most.
        score_maps: of each policy.
        view: name of the camera; the first one by default.
    """

    cards: int = 6
    scenes: int = 2
    single_scenes: int = 12
    frames: int = 18
    score_maps: int = 3
    view: str | None = None


@dataclass(frozen=True, eq=False)
class _Scored:
    """Score maps of one plan, what they lie on, and what came of the action that was chosen."""

    view: View
    heats: tuple[Heat, ...]
    chosen: Grasp | Push | None
    kind: str
    id: str


@dataclass(eq=False)
class _Kept:
    """What is kept of one policy, in its cell. Grows while the run goes on."""

    spec: CellSpec
    cards: dict[str, dict[str, tuple[Picture, CardText]]] = field(default_factory=dict)
    scenes: dict[int, list[Take]] = field(default_factory=dict)
    strips: list[Strip] = field(default_factory=list)
    scored: dict[str, _Scored] = field(default_factory=dict)

    @property
    def breadth(self) -> float:
        """Of a finger, m."""
        return self.spec.gripper.finger_breadth


class WatchedAttempts(Protocol):
    """Attempts of one scene, as a benchmark hands them to who watches."""

    @property
    def policy(self) -> str:
        """As rows call it."""
        ...

    @property
    def spec(self) -> CellSpec:
        """Of the cell."""
        ...

    @property
    def played(self) -> Sequence[Played]:
        """In order."""
        ...

    @property
    def whole(self) -> bool:
        """Whether these are all attempts of the scene."""
        ...

    @property
    def lost(self) -> int | None:
        """Objects that left the workspace without having been lifted; None without truth."""
        ...


class StoryRecorder:
    """Collects while the loop runs and writes `folder`/story.json with its pictures on `close` (or
    at the end of a `with`).

    Which cards are kept depends on attempts' ids alone, so that any number of workers gives the
    same page. Several recorders may share a folder: each replaces only what was written under its
    own `source`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: str,
        options: StoryOptions | None = None,
    ) -> None:
        """Keeps pictures for `folder` (a run's `pictures/`); `source` names the stage: collect, or
        a protocol."""
        self._folder, self._source = folder, source
        self._options = options or StoryOptions()
        self._kept: dict[str, _Kept] = {}
        self._outcomes: list[Outcomes] = []

    def __enter__(self) -> StoryRecorder:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Writes what was kept, also after an interruption; nothing where nothing was."""
        if self._kept or self._outcomes:
            self.close()

    def watch(self, scene: WatchedAttempts) -> None:
        """Attempts that a benchmark hands over: a whole scene, or single failures."""
        if scene.whole:
            self.add_scene(scene.policy, scene.played, scene.spec, lost=scene.lost)
            return
        for one in scene.played:
            self.add_attempt(scene.policy, one, scene.spec)

    def add_scene(
        self, policy: str, played: Sequence[Played], spec: CellSpec, *, lost: int | None = None
    ) -> None:
        """A scene's attempts in their order, by the policy that rows call `policy`: a strip, the
        film and the overlay are made of the first ones; all are candidates for cards."""
        kept = self._of(policy, spec)
        single = len(played) == 1 and all(strip.attempts == 1 for strip in kept.strips)
        wanted = self._options.single_scenes if single else self._options.scenes
        if played and len(kept.strips) < wanted:
            strip = self._strip(policy, kept, played[: self._options.frames])
            kept.strips.append(replace(strip, attempts=len(played), lost=lost))
        for one in played:
            self.add_attempt(policy, one, spec)

    def add_outcomes(self, policy: str, counts: Mapping[str, int], *, round: int = 0) -> None:
        """How many attempts of all that were made came to each end."""
        self._outcomes.append(
            Outcomes(source=self._source, policy=policy, round=round, counts=dict(counts))
        )

    def add_attempt(self, policy: str, played: Played, spec: CellSpec) -> None:
        """One attempt: keeps its card and the score map behind it, where each is wanted."""
        kept, attempt = self._of(policy, spec), played.attempt
        options, kind = self._options, kind_of(attempt)
        cards = kept.cards.setdefault(kind, {})
        if _is_wanted(cards, attempt.id, options.cards):
            labels = label_values(played.labels)
            picture = attempt_card(attempt, labels, view=options.view, breadth=kept.breadth)
            _keep(cards, attempt.id, (picture, CardText.of(attempt, labels, policy)), options.cards)
        first = attempt.index == 0
        if (
            attempt.before is not None
            and played.plans
            and played.plans[-1].maps
            and _is_wanted(kept.scored, attempt.id, options.score_maps, first=first)
        ):
            seen = attempt.observation_of(len(attempt.steps) - 1) or attempt.before
            heats, chosen = _shown(played.plans[-1]), grasp_of(attempt) or push_of(attempt)
            scored = _Scored(seen.view(options.view), heats, chosen, kind, attempt.id)
            _keep(kept.scored, attempt.id, scored, options.score_maps, first=first)

    def close(self) -> Path:
        """Writes the pictures and story.json, and says where that is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        story = Story(outcomes=tuple(self._outcomes))
        filmed = [name for name in self._kept if is_learned(name)] or [*self._kept][:1]
        for policy, kept in self._kept.items():
            story += Story(
                strips=tuple(kept.strips),
                cards=tuple(self._cards(policy, kept)),
                scenes=tuple(self._scene(policy, kept)),
                heats=tuple(self._score_maps(policy, kept)),
                films=tuple(self._film(policy, kept)) if policy in filmed else (),
            )
        return add_to_story(self._folder, story, self._source)

    def _of(self, policy: str, spec: CellSpec) -> _Kept:
        return self._kept.setdefault(policy, _Kept(spec))

    def _strip(self, policy: str, kept: _Kept, played: Sequence[Played]) -> Strip:
        """A strip of these attempts, which also become candidates for the film and the overlay."""
        scene, view = played[0].attempt.scene, self._options.view
        takes = [Take.of(one.attempt, view) for one in played]
        kept.scenes[scene] = [take for take in takes if take is not None]
        return Strip(
            source=self._source,
            policy=policy,
            scene=scene,
            frames=tuple(
                self._save(
                    f"frame-{policy}-{one.attempt.id}",
                    attempt_frame(one.attempt, view=view, breadth=kept.breadth),
                )
                for one in played
            ),
            kinds=tuple(kind_of(one.attempt) for one in played),
            goals=tuple(one.attempt.goal.category or "" for one in played),
            lifted=tuple(_lifted(one) for one in played),
            attempts=len(played),
        )

    def _cards(self, policy: str, kept: _Kept) -> list[Card]:
        entries = []
        for kind, cards in sorted(kept.cards.items()):
            for key in sorted(cards):
                picture, text = cards[key]
                file = self._save(f"card-{policy}-{kind}-{text.id}", picture)
                entries.append(Card(source=self._source, file=file, **vars(text)))
        return entries

    def _scene(self, policy: str, kept: _Kept) -> list[Scene]:
        takes = max(kept.scenes.values(), key=len, default=[])
        tries = [(take.action, take.kind) for take in takes if isinstance(take.action, Grasp)]
        if len(tries) < 2:
            return []
        view = takes[0].before
        tried = scene_overlay(
            view,
            [grasp for grasp, _ in tries],
            [kind for _, kind in tries],
            breadth=kept.breadth,
        )
        depth = None if view.depth is None else depth_picture(view.depth)
        return [
            Scene(
                source=self._source,
                policy=policy,
                tries=len(tries),
                kinds=dict(Counter(kind for _, kind in tries)),
                color=self._save(f"scene-{policy}-color", upscale(view.color, 3)),
                tried=self._save(f"scene-{policy}-tried", tried),
                depth=None if depth is None else self._save(f"scene-{policy}-depth", depth),
            )
        ]

    def _score_maps(self, policy: str, kept: _Kept) -> list[ScoreMap]:
        entries = []
        for key in sorted(kept.scored):
            one = kept.scored[key]
            span = Span.of(*one.heats)
            picture = beside_each_other(
                one.view,
                one.heats,
                surface=kept.spec.workspace.surface,
                chosen=one.chosen,
                span=span,
                breadth=kept.breadth,
            )
            entries.append(
                ScoreMap(
                    source=self._source,
                    policy=policy,
                    file=self._save(f"heat-{policy}-{one.id}", picture),
                    id=one.id,
                    kind=one.kind,
                    low=span.low,
                    high=span.high,
                )
            )
        return entries

    def _film(self, policy: str, kept: _Kept) -> list[Film]:
        """Of the scene with most successes; where scenes have one attempt each, of all of them."""
        takes = max(kept.scenes.values(), key=_held, default=[])
        if all(len(some) <= 1 for some in kept.scenes.values()):
            takes = [take for some in kept.scenes.values() for take in some]
        if not takes:
            return []
        frames = clearing_film(takes, title=policy, breadth=kept.breadth)
        path = self._path(f"film-{policy}")
        animation(
            [frame.picture for frame in frames],
            path,
            milliseconds=[frame.milliseconds for frame in frames],
        )
        return [
            Film(
                source=self._source,
                policy=policy,
                file=path,
                attempts=len(takes),
                held=_held(takes),
            )
        ]

    def _save(self, stem: str, picture: Picture) -> Path:
        path = self._path(stem)
        write_whole(path, encode_webp(picture))
        return path

    def _path(self, stem: str) -> Path:
        plain = (c if c.isalnum() or c in "-_" else "_" for c in f"{self._source}-{stem}")
        return self._folder / ("".join(plain) + ".webp")


def _shown(plan: Plan) -> tuple[Heat, ...]:
    """Of the maps of grasps the first, and the one of pushes where there is one."""
    maps = plan.maps.values()
    grasps = [heat for heat in maps if not heat.of_pushes][:1]
    return (*grasps, *[heat for heat in maps if heat.of_pushes][:1])


def _lifted(played: Played) -> str:
    """What the attempt lifted, by the simulator's count: categories, else an object's name."""
    known = label_values(played.labels)
    return str(known.get("truth.families") or known.get("truth.object") or "")


def _held(takes: Sequence[Take]) -> int:
    return sum(take.kind == HELD for take in takes)


def _rank(identity: str, first: bool) -> str:
    """Those marked `first` before all others, and then by a hash: a fair draw that no order
    changes."""
    return f"{0 if first else 1}{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def _is_wanted(kept: dict[str, Item], identity: str, count: int, *, first: bool = False) -> bool:
    """Whether an item would be among the `count` that are kept."""
    return len(kept) < count or _rank(identity, first) < max(kept)


def _keep(
    kept: dict[str, Item], identity: str, item: Item, count: int, *, first: bool = False
) -> None:
    kept[_rank(identity, first)] = item
    while len(kept) > count:
        del kept[max(kept)]
