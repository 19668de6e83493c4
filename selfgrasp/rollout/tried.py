"""Physical tries as candidates: what came of a grasp in place of an analytic label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from selfgrasp.codec import session_key
from selfgrasp.core import UNINFORMATIVE_FAULTS, Attempt, Candidates, Fault, Grasp, View
from selfgrasp.dataset import Dataset, DatasetWriter

LABELS = ("held", "free")
"""held: whether the grasp held. free: whether the hand came down without being blocked."""


def tried_as_candidates(data: Path, out: Path) -> int:
    """Writes the single grasps of the attempts in `data` as candidates into `out`, a shard a scene,
    and returns how many there are; what is there already is left as it is.

    Raises:
        InputError: no dataset in `data`, or another writer at work in `out`.
    """
    with Dataset.open(data) as dataset:
        scenes: defaultdict[tuple[str, int], list[Attempt]] = defaultdict(list)
        for attempt in dataset.attempts():
            scenes[attempt.session, attempt.scene].append(attempt)
        count = 0
        for key, session in dataset.sessions.items():
            mine = replace(session, options={**session.options, "tried": True})
            with DatasetWriter.create_or_open(out, mine) as writer:
                named = session_key(mine)
                there = writer.candidate_shards(named)
                made = {
                    scene: candidates
                    for (owner, scene), attempts in scenes.items()
                    if owner == key and (candidates := _candidates(attempts)) is not None
                }
                count += sum(map(len, made.values()))
                new = {scene: one for scene, one in made.items() if scene not in there}
                if new:
                    writer.append_candidates(named, new)
    return count


def _candidates(attempts: Sequence[Attempt]) -> Candidates | None:
    """The grasps of one scene, each in the picture that it was planned on."""
    tried: list[tuple[Attempt, Grasp, View]] = []
    for attempt in attempts:
        action = attempt.steps[0].action if len(attempt.steps) == 1 else None
        if isinstance(action, Grasp) and attempt.before is not None:
            view = attempt.before.view()
            if view.depth is not None and attempt.outcome.fault not in UNINFORMATIVE_FAULTS:
                tried.append((attempt, action, view))
    if not tried:
        return None
    return Candidates(
        depth=np.stack([view.depth for _, _, view in tried if view.depth is not None]),
        intrinsics=np.stack([view.intrinsics for _, _, view in tried]),
        world_from_camera=np.stack([view.world_from_camera for _, _, view in tried]),
        objects=("",) * len(tried),
        view=np.arange(len(tried)),
        world_from_tool=np.stack([action.world_from_tool for _, action, _ in tried]),
        width=np.array([action.width for _, action, _ in tried]),
        labels={
            "held": np.array([a.outcome.grasped for a, _, _ in tried], np.float32),
            "free": np.array(
                [a.outcome.fault is not Fault.BLOCKED for a, _, _ in tried], np.float32
            ),
        },
    )
