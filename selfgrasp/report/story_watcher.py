"""The watcher that keeps what a report tells: cards of every kind, a scene with its tries, the
policy's opinion, a film."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from selfgrasp.common.atomic_write import atomic_write
from selfgrasp.core import (
    Action,
    Attempt,
    CellSpec,
    Grasp,
    Heat,
    Label,
    Move,
    Plan,
    Push,
    View,
    Watcher,
)
from selfgrasp.report.gallery import CardText, attempt_card
from selfgrasp.viz.animate import Take, animation, clearing_film
from selfgrasp.viz.draw import scene_overlay
from selfgrasp.viz.heat import Span, heat_overlay
from selfgrasp.viz.kinds import HELD, grasp_of, kind_of, label_values, push_of
from selfgrasp.viz.picture import Picture, depth_picture, encode_webp, upscale

STORY_FILE = "story.json"
_PLANS_KEPT = 256

Item = TypeVar("Item")


@dataclass(frozen=True)
class StoryOptions:
    """How much a story keeps; memory stays bounded however long the run.

    Attributes:
        cards: of each kind and policy.
        scenes: of each policy that may become the film and the picture of tries.
        takes: attempts of a scene in the film.
        heats: pictures of opinion, of each policy.
        view: name of the camera; the first one by default.
    """

    cards: int = 6
    scenes: int = 3
    takes: int = 24
    heats: int = 3
    view: str | None = None


@dataclass(frozen=True, eq=False)
class _Opinion:
    view: View
    heat: Heat
    chosen: Grasp | None
    kind: str
    id: str


@dataclass(eq=False)
class _Kept:
    """What is kept of one policy. Grows while the run goes on."""

    cards: dict[str, dict[str, tuple[Attempt, dict[str, object]]]] = field(default_factory=dict)
    scenes: OrderedDict[int, list[Take]] = field(default_factory=OrderedDict)
    opinions: dict[str, _Opinion] = field(default_factory=dict)
    rounds: dict[int, Counter[str]] = field(default_factory=dict)


class StoryWatcher(Watcher):
    """Collects while the loop runs and writes `folder`/story.json with its pictures on `close` (or
    at the end of a `with`).

    Which cards are kept depends on attempts' ids alone, so that any number of workers gives the
    same page. Several watchers may share a folder: each replaces only what it wrote itself, told
    apart by `source`.
    """

    def __init__(
        self,
        folder: Path,
        spec: CellSpec,
        *,
        source: str = "bench",
        options: StoryOptions | None = None,
    ) -> None:
        """Keeps pictures for `folder` (a run's `pictures/`); `source` names the stage: collect,
        bench ..."""
        self._folder, self._spec, self._source, self._options = (
            folder,
            spec,
            source,
            options or StoryOptions(),
        )
        self._kept: dict[str, _Kept] = {}
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()

    def __enter__(self) -> StoryWatcher:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Writes what was kept, also after an interruption."""
        self.close()

    def on_plan(self, plan: Plan) -> None:
        """Remembers plans that say why, until their attempt ends; found again by the action, so
        batches may interleave."""
        if plan.maps and plan.action is not None:
            self._plans[_key(plan.action)] = plan
            while len(self._plans) > _PLANS_KEPT:
                self._plans.popitem(last=False)

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        """Keeps the attempt's card, its place in a scene, and the opinion behind it, where each is
        wanted."""
        kept = self._kept.setdefault(attempt.policy, _Kept())
        kind = kind_of(attempt)
        kept.rounds.setdefault(attempt.round, Counter())[kind] += 1
        _keep_smallest(
            kept.cards.setdefault(kind, {}),
            attempt.id,
            (attempt, label_values(labels)),
            self._options.cards,
        )
        if attempt.before is None:
            return
        self._keep_take(kept, attempt, kind)
        plan = self._plans.pop(_key(attempt.steps[-1].action), None) if attempt.steps else None
        if plan is not None:
            view, heat = attempt.before.view(self._options.view), next(iter(plan.maps.values()))
            opinion = _Opinion(view, heat, grasp_of(attempt), kind, attempt.id)
            _keep_smallest(
                kept.opinions, attempt.id, opinion, self._options.heats, first=attempt.index == 0
            )

    def close(self) -> Path:
        """Writes the pictures and the table of contents, and says where."""
        self._folder.mkdir(parents=True, exist_ok=True)
        mine: dict[str, list[dict[str, Any]]] = {
            "cards": [],
            "scenes": [],
            "heats": [],
            "films": [],
            "outcomes": [],
        }
        for policy, kept in sorted(self._kept.items()):
            mine["cards"] += self._write_cards(policy, kept)
            mine["scenes"] += self._write_scene(policy, kept)
            mine["heats"] += self._write_heats(policy, kept)
            mine["films"] += self._write_film(policy, kept)
            mine["outcomes"] += [
                {"policy": policy, "round": r, "counts": dict(counts)}
                for r, counts in sorted(kept.rounds.items())
            ]
        path = self._folder / STORY_FILE
        merged = json.loads(path.read_text()) if path.exists() else {}
        for part, entries in mine.items():
            others = [entry for entry in merged.get(part, []) if entry["source"] != self._source]
            merged[part] = others + [{**entry, "source": self._source} for entry in entries]
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(merged, indent=1))
        return path

    def _keep_take(self, kept: _Kept, attempt: Attempt, kind: str) -> None:
        takes = kept.scenes.get(attempt.scene)
        if takes is None:
            if len(kept.scenes) >= self._options.scenes:
                return
            takes = kept.scenes[attempt.scene] = []
        if len(takes) < self._options.takes and attempt.before is not None:
            view = attempt.before.view(self._options.view)
            # Only a scene's first view is shown with its depth; dropping the others' halves what a
            # long run holds in memory.
            seen = (
                view
                if not takes
                else View(view.color, None, view.intrinsics, view.world_from_camera)
            )
            after = None if attempt.after is None else attempt.after.view(self._options.view).color
            takes.append(
                Take(
                    seen, after, grasp_of(attempt) or push_of(attempt), kind, attempt.outcome.width
                )
            )

    def _write_cards(self, policy: str, kept: _Kept) -> list[dict[str, Any]]:
        breadth, entries = self._spec.gripper.finger_breadth, []
        for kind, cards in sorted(kept.cards.items()):
            for key in sorted(cards):
                attempt, labels = cards[key]
                file = self._save(
                    f"card-{policy}-{kind}-{attempt.id}",
                    attempt_card(attempt, labels, view=self._options.view, breadth=breadth),
                )
                entries.append({"file": file, **CardText.of(attempt, labels).to_json()})
        return entries

    def _write_scene(self, policy: str, kept: _Kept) -> list[dict[str, Any]]:
        takes = max(kept.scenes.values(), key=len, default=[])
        tries = [(take.action, take.kind) for take in takes if isinstance(take.action, Grasp)]
        if not tries:
            return []
        view = takes[0].before
        tried = scene_overlay(
            view,
            [grasp for grasp, _ in tries],
            [kind for _, kind in tries],
            breadth=self._spec.gripper.finger_breadth,
        )
        entry: dict[str, Any] = {
            "policy": policy,
            "tries": len(tries),
            "kinds": dict(Counter(kind for _, kind in tries)),
        }
        entry["color"] = self._save(f"scene-{policy}-color", upscale(view.color, 3))
        entry["tried"] = self._save(f"scene-{policy}-tried", tried)
        if view.depth is not None:
            entry["depth"] = self._save(f"scene-{policy}-depth", depth_picture(view.depth))
        return [entry]

    def _write_heats(self, policy: str, kept: _Kept) -> list[dict[str, Any]]:
        entries = []
        for key in sorted(kept.opinions):
            o = kept.opinions[key]
            span = Span.of(o.heat)
            picture = heat_overlay(
                o.view,
                o.heat,
                surface=self._spec.workspace.surface,
                chosen=o.chosen,
                span=span,
                breadth=self._spec.gripper.finger_breadth,
            )
            file = self._save(f"heat-{policy}-{o.id}", picture)
            entries.append(
                {
                    "policy": policy,
                    "file": file,
                    "id": o.id,
                    "kind": o.kind,
                    "low": span.low,
                    "high": span.high,
                }
            )
        return entries

    def _write_film(self, policy: str, kept: _Kept) -> list[dict[str, Any]]:
        takes = max(
            kept.scenes.values(),
            key=lambda some: sum(take.kind == HELD for take in some),
            default=[],
        )
        if not takes:
            return []
        frames = clearing_film(takes, title=policy, breadth=self._spec.gripper.finger_breadth)
        name = self._name(f"film-{policy}")
        animation(
            [frame.picture for frame in frames],
            self._folder / name,
            milliseconds=[frame.milliseconds for frame in frames],
        )
        return [
            {
                "policy": policy,
                "file": name,
                "attempts": len(takes),
                "held": sum(take.kind == HELD for take in takes),
            }
        ]

    def _save(self, stem: str, picture: Picture) -> str:
        name = self._name(stem)
        (self._folder / name).write_bytes(encode_webp(picture))
        return name

    def _name(self, stem: str) -> str:
        return (
            "".join(c if c.isalnum() or c in "-_" else "_" for c in f"{self._source}-{stem}")
            + ".webp"
        )


def _key(action: Action) -> bytes:
    """An action by its value: one that travelled between processes is not the same object any
    more."""
    match action:
        case Grasp():
            return action.world_from_tool.tobytes() + str(action.width).encode()
        case Push():
            return action.start.tobytes() + f"{action.yaw} {action.length}".encode()
        case Move():
            return action.translation.tobytes() + str(action.yaw).encode()
    return repr(action).encode()


def _keep_smallest(
    kept: dict[str, Item], identity: str, item: Item, count: int, *, first: bool = False
) -> None:
    """Keeps the `count` items whose ids hash smallest (those marked `first` before all others): a
    fair draw that no order changes."""
    kept[f"{0 if first else 1}{hashlib.sha256(identity.encode()).hexdigest()[:16]}"] = item
    while len(kept) > count:
        del kept[max(kept)]
