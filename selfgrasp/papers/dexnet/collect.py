"""Candidates with analytic labels, and physical tries that become candidates."""

from __future__ import annotations

from selfgrasp.papers import steps
from selfgrasp.papers.dexnet.sizes import Work
from selfgrasp.rollout.candidates import make_candidates
from selfgrasp.rollout.jobs import CandidatesJob, CollectJob
from selfgrasp.rollout.tried import tried_as_candidates
from selfgrasp.workcell.cells.tabletop import TabletopConfig

ADVERSARIAL = "adversarial"


def collect_candidates(work: Work) -> str:
    """Of the training objects, alone and in heaps: what GQ learns from."""
    sizes = work.sizes
    return _made(work, "candidates", "train", sizes.grasps, sizes.shapes)


def collect_few(work: Work) -> str:
    """Of few training objects (GQ-S), and of the adversarial ones (GQ-Adv)."""
    sizes = work.sizes
    few = _made(work, "candidates-few", "train", sizes.few_grasps, sizes.few_shapes)
    adversarial = _made(work, "candidates-adversarial", ADVERSARIAL, sizes.few_grasps, None)
    return f"{few}; adversarial: {adversarial}"


def collect_tries(work: Work) -> str:
    """Grasps of the adversarial objects by IGQ, shaken, and what came of them as labels
    (GQ-Adv-Phys)."""
    out = work.folders.data("tries")
    said = steps.collected(
        work.folders,
        CollectJob(
            out=out,
            attempts=work.sizes.tries,
            policy="igq",
            objects=ADVERSARIAL,
            workers=work.workers,
            seed=work.seed,
            attempts_per_scene=4,
            options=TabletopConfig(count=1, shake=True),
        ),
    )
    return f"{said}; {tried_as_candidates(out, work.folders.data('tried'))} candidates"


def _made(work: Work, name: str, objects: str, grasps: int, shapes: int | None) -> str:
    made = make_candidates(
        CandidatesJob(
            out=work.folders.data(name),
            grasps=grasps,
            objects=objects,
            shapes=shapes,
            workers=work.workers,
            seed=work.seed,
        )
    )
    return f"{made.candidates} candidates, {made.new} of them new, in {made.seconds:.0f} s"
