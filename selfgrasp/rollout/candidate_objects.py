"""Which objects candidates are made of, and how large these are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from selfgrasp.common.progress import Progress
from selfgrasp.core import InputError
from selfgrasp.objects.catalogue import SET_NAMES, objects_by_name
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.named import objects_named
from selfgrasp.objects.quality.scaling import (
    fit_factor,
    holdable,
    narrowest_lying,
    published_factor,
    scaled,
)
from selfgrasp.objects.sets import SETS, canonical
from selfgrasp.rollout.jobs import CandidatesJob
from selfgrasp.workcell.cells.config import GRIPPER

_NAMED = 6


@dataclass(frozen=True)
class ChosenObjects:
    """What a worker finds the objects by.

    Attributes:
        name: of a set or folder.
        shapes: the first so many; None for all.
        factors: by which they are scaled; empty for none.
    """

    name: str
    shapes: int | None
    factors: tuple[float, ...] = ()


@cache
def models_of(chosen: ChosenObjects) -> tuple[ObjectModel, ...]:
    """The objects.

    Raises:
        InputError: no such set or folder, or fewer than `shapes`.
    """
    found = _named(chosen.name, chosen.shapes)
    if not chosen.factors:
        return found
    return tuple(scaled(item, by) for item, by in zip(found, chosen.factors, strict=True))


def choose_objects(job: CandidatesJob) -> ChosenObjects:
    """The objects of a job, scaled as it says. What is scaled, and what offers no grasp, is said on
    standard error; not of sets at their own size.

    Raises:
        InputError: no such objects, or none of them can be held.
    """
    scale = scale_of(job)
    chosen = ChosenObjects(job.objects, job.shapes)
    if scale == "none" and _is_set(job.objects):
        return chosen
    found = models_of(chosen)
    sized = []
    with Progress("sizes", len(found), unit="objects") as progress:
        for item in found:
            sized.append(_sized(item, scale))
            progress.update(len(sized))
    grown = [one for one in sized if one.factor != 1.0]
    _say("scaled", [f"{one.model.name} x {one.factor:.3g}" for one in grown])
    _leave_out(job, sized)
    return replace(chosen, factors=tuple(one.factor for one in sized) if grown else ())


def scale_of(job: CandidatesJob) -> str:
    """fit, none or published: the job's scale, or the usual one of such objects."""
    if job.scale != "auto":
        return job.scale
    return "none" if _is_set(job.objects) else "fit"


@dataclass(frozen=True, eq=False)
class _Sized:
    """An object at its size.

    Attributes:
        model: the object.
        factor: by which it was scaled.
        holdable: whether it offers a grasp.
    """

    model: ObjectModel
    factor: float
    holdable: bool


def _sized(item: ObjectModel, scale: str) -> _Sized:
    if scale == "fit" and holdable(item, GRIPPER):
        return _Sized(item, 1.0, holdable=True)
    factor = {"fit": fit_factor, "published": published_factor}.get(scale)
    by = factor(item, GRIPPER) if factor else 1.0
    model = scaled(item, by)
    return _Sized(model, by, holdable(model, GRIPPER))


def _is_set(name: str) -> bool:
    return canonical(name) in SETS


def _named(name: str, shapes: int | None) -> tuple[ObjectModel, ...]:
    if canonical(name) in SET_NAMES:
        return objects_by_name(canonical(name), shapes)
    found = objects_named(name)
    if shapes is not None and len(found) < shapes:
        raise InputError(
            given=f"--shapes {shapes}", wanted=f"at most {len(found)}, as {name} has objects"
        )
    return found[:shapes]


def _leave_out(job: CandidatesJob, objects: Sequence[_Sized]) -> None:
    """Say which objects offer no grasp.

    Raises:
        InputError: none does.
    """
    without = [one.model for one in objects if not one.holdable]
    named = [f"{item.name} ({narrowest_lying(item) * 1e3:.0f} mm)" for item in without]
    opening = GRIPPER.opening * 1e3
    if len(without) == len(objects):
        raise InputError(
            given=f"{len(objects)} objects of {job.objects} without a grasp from above; at their "
            f"narrowest {_listed(named)}",
            wanted=f"objects narrower than {opening:.0f} mm somewhere, or --scale fit",
        )
    _say(f"no grasp from above within {opening:.0f} mm, so no candidates, of", named)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _say(what: str, names: list[str]) -> None:
    if names:
        print(f"{what} {len(names)} objects: {_listed(names)}", file=sys.stderr)
