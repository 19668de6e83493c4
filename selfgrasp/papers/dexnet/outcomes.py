"""Does an analytic label mean anything? Grasps of each decile of robust epsilon are done in the
simulation, and their outcomes compared with the labels and with what policies say beforehand."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from selfgrasp.common.parts import Chart, Table
from selfgrasp.common.progress import Progress
from selfgrasp.common.record import plain
from selfgrasp.common.seeds import Purpose
from selfgrasp.core import InputError, Policy, PolicyRef
from selfgrasp.evaluation.data import can_score
from selfgrasp.objects.catalogue import catalogue_hash
from selfgrasp.objects.named import objects_named
from selfgrasp.objects.quality.scenes import SceneRecipe
from selfgrasp.papers import steps
from selfgrasp.papers.dexnet.outcome_tables import (
    CLASSES,
    COLLIDES,
    ZERO,
    Tried,
    area_tables,
    decile_edges,
    kinds_of,
    outcome_charts,
    outcome_tables,
)
from selfgrasp.papers.dexnet.parts import KeptParts
from selfgrasp.papers.dexnet.tries import (
    FACTS,
    PLACE,
    Draw,
    Drawn,
    Scene,
    draw,
    score_grasps,
    try_grasps,
)
from selfgrasp.rollout.policies import resolve
from selfgrasp.rollout.workers import WorkerConfig, play_all
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.cells.tabletop import TabletopConfig

_CELL = TabletopConfig(count=1)
_GRASPS = 20
"""Drawn in each scene."""
_MOST_SCENES = 20_000
"""Of a set of objects; those of the next one begin there."""
_COLUMN = {name: index for index, name in enumerate((*PLACE, *FACTS))}


@dataclass(frozen=True)
class OutcomesJob:
    """What is tried.

    Attributes:
        out: folder in which is kept what was drawn, tried and scored.
        policies: whose scores are compared with the labels, as `resolve` takes them.
        each: grasps of each decile of positive robust epsilon, of those with a robust epsilon of 0,
            and of those that are not free.
        objects: sets of objects; an equal share of each.
        seed: of scenes, grasps and misses.
        workers: processes; the figures do not depend on them.
    """

    out: Path
    policies: tuple[str, ...] = ()
    each: int = 2000
    objects: tuple[str, ...] = ("validation", "novel")
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True)
class Outcomes:
    """What came of it: outcomes by class, areas under ROC curves, and the outcomes as a chart."""

    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]


def outcomes(job: OutcomesJob) -> Outcomes:
    """What becomes of grasps that analytic labels call good or bad, and who foretells it.

    One object of a held-out set is dropped in the cell `tabletop` and settles. Grasps are drawn on
    its true shape as for candidates (antipodal ones, wide ones, and some that were moved), and
    labelled. They are parted into those that collide, those that are free with a robust epsilon of
    0, and deciles of the positive ones; of each class as many are tried. Each is done twice from
    the same restored state: as it is (lift, then the shake of `bench shake`), and by a hand that
    misses by 5 mm and 1.7 degrees (lift). What the robot senses decides; the truth stands beside.

    The area under the ROC curve is that of labels, which know the true shape and the center of mass
    (resist the mass, too), and of policies,
    which score the same grasps from the cell's picture with realistic noise: over all grasps, over
    those as they were drawn, those that were moved, and the free antipodal ones. The areas depend
    on how many of each class were tried. Intervals are from a bootstrap by object. Mahler et
    al. 2017 have no such table.

    What was done for the same job before is taken from `job.out`; new policies are scored alone.

    Raises:
        InputError: a policy that cannot score a grasp that it did not propose, or objects that
            offer no grasp of positive robust epsilon.
    """
    policies = [resolve(name) for name in job.policies]
    for policy in policies:
        if not can_score(policy):
            raise InputError(
                given=f"policy {policy.label}",
                wanted="one that can score an action it did not propose, as heuristic or a learned "
                "one",
            )
    tried = tried_grasps(job, policies)
    return Outcomes((*outcome_tables(tried), *area_tables(tried)), outcome_charts(tried))


def tried_grasps(job: OutcomesJob, policies: Sequence[PolicyRef]) -> Tried:
    """The grasps of a job, what came of them, and the policies' scores.

    Raises:
        InputError: objects that offer no grasp of positive robust epsilon.
    """
    chosen = steps.measured_of(job.out / "grasps.json", _drawn_with(job), lambda: _choose(job))
    scenes: list[dict[str, Any]] = chosen["scenes"]
    digest = hashlib.sha256(json.dumps(scenes).encode()).hexdigest()[:12]
    of = {"grasps": digest, "cell": plain(_CELL)}
    held = _of_each(job, scenes, of, "tried", try_grasps, resolve("random"))
    kept = np.array([one is not None for one in held])
    scores = {}
    for policy in policies:
        of_policy = {**of, "policy": policy.identity}
        name = f"scores-{policy.identity}"
        found = _of_each(job, scenes, of_policy, name, score_grasps, policy)
        scores[policy.label] = np.array(found, dtype=np.float64)[kept]
    rows = np.array([row for scene in scenes for row in scene["rows"]])[kept]
    names = [scene["name"] for scene in scenes for _ in scene["rows"]]
    facts = {name: rows[:, _COLUMN[name]] for name in FACTS}
    done = [one for one in held if one is not None]
    return Tried(
        objects=np.array(names)[kept],
        kinds=kinds_of(facts["epsilon"], facts["free"], np.array(chosen["edges"])),
        facts=facts,
        judged=np.array([one["judged"] for one in done], dtype=bool),
        true=np.array([one["true"] for one in done], dtype=bool),
        scores=scores,
    )


def _drawn_with(job: OutcomesJob) -> dict[str, object]:
    return {
        "each": job.each,
        "seed": job.seed,
        "objects": {name: catalogue_hash(objects_named(name)) for name in job.objects},
        "recipe": plain(SceneRecipe(grasps=_GRASPS)),
        "cell": plain(_CELL),
    }


def _choose(job: OutcomesJob) -> dict[str, object]:
    """The deciles' edges, and scenes with the grasps that will be tried there."""
    drawn = [(name, scene) for name in job.objects for scene in _enough(job, name)]
    rows = np.array([row for _, scene in drawn for row in scene.rows])
    if not len(rows) or not (rows[:, _COLUMN["epsilon"]] > 0).any():
        raise InputError(
            given=f"objects {', '.join(job.objects)}, on which no grasp of positive robust epsilon "
            "was found",
            wanted="objects that the gripper can close on",
        )
    epsilon, free = rows[:, _COLUMN["epsilon"]], rows[:, _COLUMN["free"]]
    edges = decile_edges(epsilon)
    kinds, rng = kinds_of(epsilon, free, edges), np.random.default_rng([job.seed, 13])
    taken = np.zeros(len(rows), dtype=bool)
    for kind in CLASSES:
        taken[rng.permutation(np.flatnonzero(kinds == kind))[: job.each]] = True
    found, at = [], 0
    for name, scene in drawn:
        mine = taken[at : at + len(scene.rows)]
        at += len(scene.rows)
        if mine.any():
            some = [row for row, wanted in zip(scene.rows, mine, strict=True) if wanted]
            found.append({**asdict(scene), "rows": some, "objects": name})
    return {"edges": edges.tolist(), "scenes": found}


def _enough(job: OutcomesJob, objects: str) -> Iterator[Drawn]:
    """Scenes until they hold a set's share of every class, or are very many."""
    share = -(-job.each // len(job.objects))
    wanted = {COLLIDES: share, ZERO: share, 1: 10 * share}
    first = Purpose.REPEATS.first_scene(job.seed) + job.objects.index(objects) * _MOST_SCENES
    most = min(_MOST_SCENES, 20 * job.each)
    tasks = (Draw(seed, _GRASPS) for seed in islice(count(first), most))
    counts: Counter[int] = Counter()
    with (
        closing(play_all(draw, tasks, _config(objects), workers=job.workers)) as scenes,
        Progress(f"grasps {objects}", 12 * share, unit="grasps") as progress,
    ):
        for scene in scenes:
            yield scene
            counts.update(_rough_kind(row) for row in scene.rows)
            progress.update(sum(min(counts[kind], enough) for kind, enough in wanted.items()))
            if all(counts[kind] >= enough for kind, enough in wanted.items()):
                return


def _rough_kind(row: Sequence[float]) -> int:
    """1 for all deciles."""
    if row[_COLUMN["free"]] == 0:
        return COLLIDES
    return 1 if row[_COLUMN["epsilon"]] > 0 else ZERO


def _config(objects: str, policy: PolicyRef | None = None) -> WorkerConfig:
    return WorkerConfig("tabletop", _CELL, objects, policy or resolve("random"))


def _of_each(
    job: OutcomesJob,
    scenes: Sequence[Mapping[str, Any]],
    of: Mapping[str, Any],
    name: str,
    play: Callable[[SimCell, Policy, Scene], Sequence[Any]],
    policy: PolicyRef,
) -> list[Any]:
    """What `play` says of each grasp, in order, as plain values.

    Args:
        job: where it is kept.
        scenes: with the grasps.
        of: all that it depends on.
        name: of the files.
        play: returns one value a grasp.
        policy: whose.
    """
    found: list[Any] = []
    total = sum(len(scene["rows"]) for scene in scenes)
    with Progress(name, total, unit="grasps") as progress:
        for number, objects in enumerate(job.objects):
            tasks = [
                Scene(scene["seed"], tuple(tuple(row[: len(PLACE)]) for row in scene["rows"]))
                for scene in scenes
                if scene["objects"] == objects
            ]
            kept = KeptParts(job.out, f"{name}-{number}", of)
            config = _config(objects, policy)
            for values in kept.played(play, tasks, config, workers=job.workers):
                found += values
                progress.update(len(found))
    return found
