"""Physical tries as candidates: what came of a grasp in place of an analytic label."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from selfgrasp.codec import session_key
from selfgrasp.core import UNINFORMATIVE_FAULTS, Attempt, Candidates, Fault, Grasp
from selfgrasp.core.pose import pose
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.objects.quality.scenes import joined

LABELS = ("held", "free")
"""held: whether the grasp held. free: whether the hand came down without being blocked."""


def tried_as_candidates(data: Path, out: Path) -> int:
    """Writes the single grasps of the attempts in `data` as candidates into `out`, a shard a scene,
    and returns how many there are; what is there already is left as it is.

    Each grasp stands in the picture that it was planned on, in the frame of the table, whose
    surface is z = 0.

    Raises:
        InputError: no dataset in `data`, or another writer at work in `out`.
    """
    with Dataset.open(data) as dataset:
        sessions = dataset.sessions
        tried: defaultdict[str, defaultdict[int, list[Candidates]]]
        tried = defaultdict(lambda: defaultdict(list))
        for attempt in dataset.attempts():
            surface = sessions[attempt.session].spec.workspace.surface
            if (one := _candidate(attempt, surface)) is not None:
                tried[attempt.session][attempt.scene].append(one)
    count = 0
    for key, scenes in tried.items():
        session = sessions[key]
        session = replace(session, options={**session.options, "tried": True})
        made = {scene: joined(each) for scene, each in scenes.items()}
        count += sum(map(len, made.values()))
        with DatasetWriter.create_or_open(out, session) as writer:
            there = writer.candidate_shards(session_key(session))
            new = {scene: one for scene, one in made.items() if scene not in there}
            if new:
                writer.append_candidates(session_key(session), new)
    return count


def _candidate(attempt: Attempt, surface: float) -> Candidates | None:
    """The grasp of an attempt; None where it was another action or tells nothing."""
    action = attempt.steps[0].action if len(attempt.steps) == 1 else None
    if not isinstance(action, Grasp) or attempt.before is None:
        return None
    view, outcome = attempt.before.view(), attempt.outcome
    if view.depth is None or outcome.fault in UNINFORMATIVE_FAULTS:
        return None
    table_from_world = pose(translation=(0.0, 0.0, -surface))
    free = outcome.fault is not Fault.BLOCKED
    return Candidates(
        depth=view.depth[None],
        intrinsics=view.intrinsics[None],
        world_from_camera=(table_from_world @ view.world_from_camera)[None],
        objects=("",),
        view=np.zeros(1, np.int64),
        world_from_tool=(table_from_world @ action.world_from_tool)[None],
        width=np.array([action.width]),
        labels={
            "held": np.array([outcome.grasped], np.float32),
            "free": np.array([free], np.float32),
        },
    )
