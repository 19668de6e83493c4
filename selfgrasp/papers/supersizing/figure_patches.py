"""Pinto & Gupta 2016, Fig. 6: where a trained network's best patches lie, against random ones,
after each stage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.files import write_whole
from selfgrasp.common.seeds import Purpose
from selfgrasp.core import Context, Grasp, InputError, SelfgraspError
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import yaw_of
from selfgrasp.methods.baselines.random import RandomConfig, RandomPolicy
from selfgrasp.methods.supersizing.config import Choice
from selfgrasp.methods.supersizing.examples import map_of
from selfgrasp.methods.supersizing.method import Supersizing
from selfgrasp.objects.named import objects_named
from selfgrasp.report.story_parts import Gallery
from selfgrasp.rollout.policies import load_policy
from selfgrasp.vision import crop
from selfgrasp.viz.patches import Ranked, patches_picture
from selfgrasp.viz.picture import Picture, encode_webp
from selfgrasp.workcell.cells.simulated import make_cell
from selfgrasp.workcell.cells.tabletop import TabletopConfig

SHOWN = 20
"""Patches of each kind in a scene."""

APART = 0.025
"""m between two of the best patches: how many places a network knows, not how many angles at
one."""

_SEARCHED = 300
_NOTE = (
    "Left: the {shown} places that this network thinks best, one patch each, {apart:.0f} mm "
    "apart or more. Right: {shown} grasps of the random policy, which "
    "knows what is not table. Below: the patches around them, best first, turned so that the "
    "fingers close from left and right. All colours are this network's "
    "probability that the grasp holds."
)


def figure_patches(
    checkpoints: Mapping[str, str],
    out: Path,
    *,
    seed: int,
    scenes: int,
    options: TabletopConfig | None = None,
) -> list[Gallery]:
    """A picture a scene for each checkpoint, on the same looks at validation scenes and with the
    same random grasps.

    Args:
        checkpoints: of `supersizing`, by the stage's name: run folders, files or "supersizing".
        out: folder that the pictures are written to, a run's `pictures/`.
        seed: shifts the scenes, as the benchmark's.
        scenes: how many, at least one.
        options: of the cell.

    Returns:
        A gallery a checkpoint.

    Raises:
        InputError: no checkpoint, one of another method, or no scene.
    """

    if scenes < 1 or not checkpoints:
        raise InputError(
            given=f"{len(checkpoints)} checkpoints and {scenes} scenes",
            wanted="at least one of each",
        )
    out.mkdir(parents=True, exist_ok=True)
    contexts = _looks(seed, scenes, options or TabletopConfig())
    offered = [_random(context) for context in contexts]
    entries = []
    for number, (stage, checkpoint) in enumerate(checkpoints.items()):
        method = _method(checkpoint)
        files, captions = [], []
        for scene, (context, grasps) in enumerate(zip(contexts, offered, strict=True)):
            judged = _judged(method, context, grasps, stage)
            plain = re.sub(r"[^A-Za-z0-9]+", "_", stage)
            files.append(out / f"patches-{number}-{plain}-{scene}.webp")
            write_whole(files[-1], encode_webp(_picture(method, context, judged)))
            captions.append(f"Scene {scene + 1}: {judged.words}")
        # Said once: the same for all.
        note = "" if number else _NOTE.format(shown=SHOWN, apart=1000 * APART)
        entries.append(
            Gallery(
                title=f"Best patches against random ones: {stage}",
                note=note,
                files=tuple(files),
                captions=tuple(captions),
            )
        )
    return entries


@dataclass(frozen=True, eq=False)
class Judged:
    """One look and what the network makes of it.

    Attributes:
        best: its own grasps.
        random: the random policy's.
    """

    best: Ranked
    random: Ranked

    @property
    def words(self) -> str:
        """The means in a sentence."""
        means = [
            f"{100 * float(np.mean(ranked.scores)):.0f} %" if len(ranked.scores) else "nothing"
            for ranked in (self.best, self.random)
        ]
        return (
            f"mean probability {means[0]} for its own {len(self.best.grasps)}, {means[1]} for "
            f"the {len(self.random.grasps)} random ones."
        )


def _looks(seed: int, scenes: int, options: TabletopConfig) -> list[Context]:
    """First looks at seeded scenes of validation objects."""

    first = Purpose.VALIDATION.first_scene(seed)
    contexts = []
    with make_cell("tabletop", objects_named("validation"), options).cell as workcell:
        for scene in range(first, first + scenes):
            seen = workcell.reset(scene)
            if seen is None:
                raise SelfgraspError(f"the camera returned nothing in scene {scene}")
            contexts.append(Context(seen, workcell.spec, first=seen, seed=scene))
    return contexts


def _random(context: Context) -> list[Grasp]:

    plan = RandomPolicy(RandomConfig(candidates=SHOWN)).plan(context)
    return [action for action in plan.actions if isinstance(action, Grasp)]


def _method(checkpoint: str) -> Supersizing:
    """The checkpoint's method, whose plans hold many grasps in the order of their scores."""

    method = load_policy(checkpoint)
    if not isinstance(method, Supersizing):
        raise InputError(
            given=f"checkpoint {checkpoint} of the method {method.name}",
            wanted="one of supersizing, whose patches can be shown",
        )
    proposals = max(_SEARCHED, method.config.proposals)
    config = replace(
        method.config,
        candidates=_SEARCHED,
        proposals=proposals,
        rerank=0,
        choice=Choice.BEST,
        temperature=0.0,
    )
    return method.with_config(config)


def _judged(method: Supersizing, context: Context, random: Sequence[Grasp], stage: str) -> Judged:

    plan = method.plan(context)
    own = [
        (float(score), action)
        for score, action in zip(plan.scores, plan.actions, strict=True)
        if isinstance(action, Grasp)
    ]
    best = list(_apart(sorted(own, key=lambda pair: -pair[0])))
    scores = [float(score) for score in method.score(context, random)]
    offered = sorted(zip(scores, random, strict=True), key=lambda pair: -pair[0])
    return Judged(
        _ranked(method, context, best, f"{stage}: best {len(best)}"),
        _ranked(method, context, offered, f"random {len(offered)}"),
    )


def _apart(ranked: Sequence[tuple[float, Grasp]]) -> Iterator[tuple[float, Grasp]]:
    """The first `SHOWN` whose places are `APART` or more from those of better ones."""
    places: list[FloatArray] = []
    for score, grasp in ranked:
        here = grasp.world_from_tool[:2, 3]
        if len(places) < SHOWN and all(np.hypot(*(here - other)) >= APART for other in places):
            places.append(here)
            yield score, grasp


def _ranked(
    method: Supersizing, context: Context, judged: Sequence[tuple[float, Grasp]], title: str
) -> Ranked:

    grasps = [grasp for _, grasp in judged]
    return Ranked(
        title, grasps, np.array([score for score, _ in judged]), patches(method, context, grasps)
    )


def patches(method: Supersizing, context: Context, grasps: Sequence[Grasp]) -> NDArray[np.uint8]:
    """(N, p, p, 3): what the network's map shows around each grasp, as one sees it from above,
    turned so that the closing direction points right."""

    poses = np.array([grasp.world_from_tool for grasp in grasps]).reshape(-1, 4, 4)
    top = map_of(context.observation, method.config, context.spec)
    crops = crop(
        top,
        poses[:, :2, 3],
        np.array([yaw_of(pose) for pose in poses]),
        patch_side(method, context),
        method.config.map_pixels,
    )
    # A crop's rows run along the closing direction turned by +90 degrees, and down the picture: a
    # mirror image of what one sees.
    return crops.color[:, ::-1]


def patch_side(method: Supersizing, context: Context) -> float:
    """m, of a patch."""
    return method.config.context * context.spec.gripper.opening


def _picture(method: Supersizing, context: Context, judged: Judged) -> Picture:

    view, breadth = (
        context.observation.view(method.config.view),
        context.spec.gripper.finger_breadth,
    )
    return patches_picture(
        view,
        (judged.best, judged.random),
        side=patch_side(method, context),
        breadth=breadth,
        words="probability that it holds",
    )
