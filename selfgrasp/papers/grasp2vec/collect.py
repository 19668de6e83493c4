"""Collecting lifts: of the objects that are learned from, and of others, which only measure; and
attempts that are asked for what was held before."""

from __future__ import annotations

from typing import Any

from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec.sizes import ASKED, LIFTS, Work
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig

COLLECTOR = "hand_eye+explore2"
"""Who tries: hand-eye coordination as it is shipped, which knows no objects, with two motions; with
four it lifts no more (docs/LOG.md)."""


TRIES_ASKED = 40
"""Attempts on one bin, where what is lifted falls back: ten objects are held first, and then each
attempt is asked for one of them (Jang et al. 2018, appendix B)."""


def collect(work: Work, objects: str) -> str:
    """Lifts of a set of objects. Which object each pixel shows is noted for measuring alone."""
    sizes = work.sizes
    return _collected(
        work,
        objects,
        attempts=sizes.lifts if objects == LIFTS else sizes.held_out,
        policy=COLLECTOR,
        objects=objects,
        seed=work.seed,
        attempts_per_scene=sizes.tries,
        after="set_aside",
        note_places=True,
    )


def collect_asked(work: Work) -> str:
    """Attempts of the first towers, near where they think that the goal is."""
    return _collected(
        work,
        ASKED,
        attempts=work.sizes.asked,
        policy=f"{work.run('small')}+explore2",
        objects=LIFTS,
        seed=work.seed + 1,
        round=1,
        attempts_per_scene=TRIES_ASKED,
        after="put_back",
        goals="grasped",
    )


def _collected(work: Work, name: str, **job: Any) -> str:
    sizes = work.sizes
    return steps.collected(
        work.folders,
        CollectJob(
            out=work.folders.data(name),
            cell="kuka_bin",
            workers=work.workers,
            options=KukaBinConfig(count=sizes.count, picture_px=sizes.picture_px),
            **job,
        ),
    )
