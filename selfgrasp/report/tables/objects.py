"""Which objects are lifted and which are not: lifts of each, in the scenes that it was dropped
into. Privileged, and of simulated data alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selfgrasp.common.intervals import bootstrap, ratio
from selfgrasp.common.parts import Cell, Table
from selfgrasp.core import InputError, Session
from selfgrasp.dataset import Dataset
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.named import objects_of
from selfgrasp.rollout.scene import SceneTask
from selfgrasp.workcell.sim.scene import Mixture, drawn_objects, scene_rng

LISTED = 10
"""Objects at each end of the ranking."""

SceneKey = tuple[str, int]
"""Key of the session and number of the scene."""


@dataclass(frozen=True)
class Lifts:
    """How one object fared.

    Attributes:
        name: of the object.
        family: that it comes from.
        by_scene: (N,) how often it was lifted in each scene that it was dropped into.
    """

    name: str
    family: str
    by_scene: tuple[int, ...]

    @property
    def total(self) -> int:
        """Over all scenes."""
        return sum(self.by_scene)

    @property
    def per_scene(self) -> float:
        """Mean over its scenes."""
        return self.total / len(self.by_scene)


def object_table(dataset: Path) -> list[Table]:
    """The objects that are lifted most, those that are lifted least, and all families.

    Args:
        dataset: folder of attempts in simulation.

    Returns:
        Three tables of report.json.

    Raises:
        InputError: no such dataset, one without the simulator's labels, or objects that are not
            those of the collection.
    """

    with Dataset.open(dataset) as data:
        ranked = sorted(
            lifts(data, scene_objects(data)), key=lambda one: (-one.per_scene, one.name)
        )
        who, scenes = ", ".join(sorted(set(data.column("policy")))), len(_scenes(data))
        attempts = len(data) / scenes
    count = min(LISTED, max(1, len(ranked) // 2))
    never = sum(one.total == 0 for one in ranked)
    note = (
        f"Lifts per scene that the object was dropped into, about {attempts:.0f} attempts "
        f"each, {scenes:,} scenes; the simulator's count, which credits one "
        f"object a lift. Objects that took part: {len(ranked)}; never lifted: {never}."
    )
    return [
        _objects(f"Lifted most: {who}", ranked[:count], note),
        _objects(f"Lifted least: {who}", ranked[::-1][:count]),
        _families(f"Lifts by family: {who}", ranked),
    ]


def scene_objects(
    data: Dataset, objects: str | None = None
) -> dict[SceneKey, tuple[ObjectModel, ...]]:
    """What was dropped into each scene, drawn again from its seed as `SimScene.reset` draws it; the
    data itself does not say.

    Args:
        data: attempts of simulated scenes.
        objects: the set or folder that scenes drew from, where sessions do not tell.

    Raises:
        InputError: a cell that is not simulated, or objects that are not those of the collection.
    """

    if "count" not in data.spec.options:
        raise InputError(
            given=f"attempts in the cell {data.spec.name!r}, which does not say how many objects "
            "a scene has",
            wanted="a simulated cell",
        )
    pools = {key: objects_of(session, objects)[1] for key, session in data.sessions.items()}
    return {
        (key, scene): _dropped(pools[key], data.sessions[key], scene)
        for key, scene in _scenes(data)
    }


def lifts(data: Dataset, dropped: Mapping[SceneKey, Sequence[ObjectModel]]) -> list[Lifts]:
    """Every object that took part, with its lifts by scene.

    Raises:
        InputError: data without the simulator's labels, or a lift of what was not dropped: the
            scenes were drawn from something else.
    """

    if "truth.object" not in data.label_names:
        raise InputError(
            given=f"dataset {data.path} without the label truth.object",
            wanted="attempts in simulation",
            exists=", ".join(data.label_names),
        )
    held = data.label("truth.object")
    keys = zip(data.column("session").tolist(), data.column("scene").tolist(), strict=True)
    lifted = Counter(
        (key, held[name]) for name, key in zip(data.ids(), keys, strict=True) if held.get(name)
    )
    wrong = [
        (key, name) for key, name in lifted if name not in {item.name for item in dropped[key]}
    ]
    if wrong:
        (session, scene), name = wrong[0]
        raise InputError(
            given=f"a lift of {name} in scene {scene} of session {session}, where it was "
            "not dropped",
            wanted="scenes drawn as they are now",
        )
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for key, items in dropped.items():
        for item in items:
            found[item.name, item.family].append(lifted[key, item.name])
    return [Lifts(name, family, tuple(counts)) for (name, family), counts in found.items()]


def _scenes(data: Dataset) -> list[SceneKey]:
    return list(
        dict.fromkeys(
            zip(data.column("session").tolist(), data.column("scene").tolist(), strict=True)
        )
    )


def _dropped(pool: Sequence[ObjectModel], session: Session, scene: int) -> tuple[ObjectModel, ...]:

    seed = SceneTask("", session.seed, scene, attempts=0).scene_seed
    options = session.spec.options
    return tuple(
        drawn_objects(
            pool, int(options["count"]), scene_rng(seed), Mixture(options.get("mixture", "any"))
        )
    )


def _objects(title: str, some: Sequence[Lifts], note: str = "") -> Table:
    rows: list[list[Cell]] = []
    for one in some:
        scenes, mean = len(one.by_scene), bootstrap(one.by_scene)
        # Resampling nothing but zeros says nothing; the rule of three does.
        high = mean.high if one.total else 3 / scenes
        rows.append(
            [one.name, one.family, scenes, one.total, mean.value, f"{mean.low:.2f} to {high:.2f}"]
        )
    return Table(
        title=title,
        note=note,
        columns=["object", "family", "scenes", "lifts", "lifts per scene", "95 % interval"],
        rows=rows,
    )


def _families(title: str, ranked: Sequence[Lifts]) -> Table:
    families: defaultdict[str, list[Lifts]] = defaultdict(list)
    for one in ranked:
        families[one.family].append(one)
    rates = {
        family: ratio([(one.total, len(one.by_scene)) for one in some])
        for family, some in families.items()
    }
    rows: list[list[Cell]] = []
    for family, rate in sorted(rates.items(), key=lambda pair: -pair[1].value):
        some = families[family]
        never, total = sum(one.total == 0 for one in some), sum(one.total for one in some)
        between = f"{rate.low:.2f} to {rate.high:.2f}"
        rows.append([family, len(some), never, total, rate.value, between])
    return Table(
        title=title,
        note="Lifts per object and scene; 95 % intervals over the family's objects.",
        columns=["family", "objects", "never lifted", "lifts", "lifts per scene", "95 % interval"],
        rows=rows,
    )
