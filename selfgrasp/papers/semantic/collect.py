"""Collecting: bins of one category and of everything, other things, and test objects held up."""

from __future__ import annotations

from selfgrasp.papers import steps
from selfgrasp.papers.semantic.sizes import ASSORTED, NOVEL, SEEN, Work
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.workcell.cells.config import Objects
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig

COLLECTOR = "hand_eye+explore4"
"""Who tries: hand-eye coordination as it is shipped, which knows no categories, with up to four
motions."""


def collect_single_category(work: Work) -> str:
    """Bins of one category, whose label is known to who filled them."""
    return _collect(work, "single_category", SEEN, work.sizes.single_category, mixture="alike")


def collect_mixed(work: Work) -> str:
    """Bins of everything, and of some things of no category among it."""
    return _collect(work, "mixed", ASSORTED, work.sizes.mixed)


def collect_auxiliary(work: Work) -> str:
    """Other things; those few that are bowls and spoons are named by nobody."""
    return _collect(work, "auxiliary", "train", work.sizes.auxiliary)


def collect_present_images(work: Work) -> str:
    """Test objects, held before the camera; only those pictures are learned from, and by the row
    with S2 alone."""
    return _collect(work, "present_images", NOVEL, work.sizes.present_images)


def _collect(
    work: Work, name: str, objects: str, attempts: int, *, mixture: Objects = "any"
) -> str:

    sizes = work.sizes
    return steps.collected(
        work.folders,
        CollectJob(
            out=work.folders.data(name),
            attempts=attempts,
            policy=COLLECTOR,
            objects=objects,
            cell="kuka_bin",
            workers=work.workers,
            seed=work.seed,
            attempts_per_scene=sizes.tries,
            after="set_aside",
            options=KukaBinConfig(count=sizes.count, picture_px=sizes.picture_px, mixture=mixture),
        ),
    )
