"""Collecting lifts: of the objects that are learned from, and of others, which only measure."""

from __future__ import annotations

from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec.sizes import LIFTS, Work
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig

COLLECTOR = "hand_eye+explore2"
"""Who tries: hand-eye coordination as it is shipped, which knows no objects, with two motions; with
four it lifts no more (docs/LOG.md)."""


def collect(work: Work, objects: str) -> str:
    """Lifts of a set of objects. Which object each pixel shows is noted for measuring alone."""
    sizes = work.sizes
    return steps.collected(
        work.folders,
        CollectJob(
            out=work.folders.data(objects),
            attempts=sizes.lifts if objects == LIFTS else sizes.held_out,
            policy=COLLECTOR,
            objects=objects,
            cell="kuka_bin",
            workers=work.workers,
            seed=work.seed,
            attempts_per_scene=sizes.tries,
            after="set_aside",
            note_places=True,
            options=KukaBinConfig(count=sizes.count, picture_px=sizes.picture_px),
        ),
    )
