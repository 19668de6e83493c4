"""Training examples: the patch around each executed action, what it brought, and the state that it
led to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import UNINFORMATIVE_FAULTS, Attempt, Grasp, InputError, Push, View
from selfgrasp.core.pose import yaw_of
from selfgrasp.core.spec import CellSpec, GripperSpec, Workspace
from selfgrasp.learn import Batch, Examples, Source, Split
from selfgrasp.methods.vpg.config import Reward, VPGConfig
from selfgrasp.methods.vpg.seen import LATE, MAP_PIXEL, clearances, patch, picture
from selfgrasp.vision import Heightmap, heightmap, jitter_color
from selfgrasp.vision.change import CHANGED_AREA, LOST_VOLUME, changed_area, lost_volume
from selfgrasp.vision.scene_map import view_with_depth

GRASP, PUSH = 0, 1
CHANGE_REWARD = 0.5
"""Of a push that changes the heightmap; a grasp that holds has 1 (Zeng et al. 2018, section
IV-D)."""
HELD_AFTER = "truth.held_after"
"""Label of a push: whether the best grasp after it held; see `workcell.worth`."""
_FLIPPED = 0.5
_CHOSEN = 0.5
"""Probability below which an action was drawn at random."""


def gather(source: Source, split: Split, config: VPGConfig) -> Examples:
    """One example a grasp or push that was seen before and after.

    Columns: kind, color (P, P, 3) and height (P, P) m of the patch, late (6,), grasped, changed,
    lost (whether something left the table ungrasped, by the volume that stands there), follows (the
    rewards that really followed, discounted as long as there were any), followed (whether the grasp
    that was chosen next held, discounted for each push before it), measured. Where targets need
    them the next state, next_color (H, W, 3) and next_height (H, W) m above the table, likewise the
    state before, now_color and now_height, and cell, see `cell_row`.
    """
    measured = _measured(source, config)
    rows: list[dict[str, Any]] = []
    for scene in _scenes(source.attempts(split)):
        transitions = list(_transitions(scene, source.spec, config))
        returns = _returns(transitions, config.discount)
        followed = _followed(transitions, config.discount)
        for one, follows, grasp in zip(transitions, returns, followed, strict=True):
            row = {**one.row, "follows": follows, "followed": grasp}
            row["measured"] = np.float32(measured.get(one.attempt, np.nan))
            rows.append(row)
    if not rows:
        return Examples({"kind": np.zeros(0, np.uint8)}, np.zeros(0, np.float32))
    columns = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return Examples(columns, np.ones(len(rows), np.float32))


@dataclass(frozen=True, eq=False)
class _Transition:
    attempt: str
    index: int
    reward: float
    probability: float
    row: Mapping[str, Any]


def _scenes(attempts: Iterator[Attempt]) -> Iterator[list[Attempt]]:
    """Attempts of one scene after the other."""
    scene: list[Attempt] = []
    for attempt in attempts:
        if scene and (attempt.session, attempt.scene) != (scene[0].session, scene[0].scene):
            yield scene
            scene = []
        scene.append(attempt)
    if scene:
        yield scene


def _transitions(
    scene: Sequence[Attempt], spec: CellSpec, config: VPGConfig
) -> Iterator[_Transition]:
    maps: dict[int, Heightmap] = {}

    def map_of(view: View) -> Heightmap:
        if id(view) not in maps:
            maps[id(view)] = heightmap(view, spec.workspace, pixel=MAP_PIXEL, margin=0.0)
        return maps[id(view)]

    for attempt in scene:
        if attempt.before is None or attempt.after is None or not attempt.steps:
            continue
        action = attempt.steps[-1].action
        if attempt.outcome.fault in UNINFORMATIVE_FAULTS or not isinstance(action, Grasp | Push):
            continue
        before, after = (
            map_of(view_with_depth(one, config.view)) for one in (attempt.before, attempt.after)
        )
        changed = changed_area(before, after) > CHANGED_AREA
        held = attempt.outcome.grasped
        row = {
            **_seen(before, action, spec, config),
            "grasped": np.bool_(held),
            "changed": np.bool_(changed),
            "lost": np.bool_(not held and lost_volume(before, after) > LOST_VOLUME),
        }
        if config.looks_ahead:
            row |= {**_state(after, "next", spec), "cell": cell_row(spec)}
        if config.looks_back:
            row |= _state(before, "now", spec)
        is_push = isinstance(action, Push)
        reward = CHANGE_REWARD * changed if is_push else float(held)
        probability = attempt.steps[-1].probability
        yield _Transition(attempt.id, attempt.index, reward, probability, row)


def _seen(
    before: Heightmap, action: Grasp | Push, spec: CellSpec, config: VPGConfig
) -> Mapping[str, Any]:
    late = np.zeros(LATE, np.float32)
    if isinstance(action, Push):
        kind, xy, yaw, pixel = PUSH, action.start[:2], action.yaw, config.push_pixel
    else:
        tool = action.world_from_tool
        kind, xy, yaw, pixel = GRASP, tool[:2, 3], yaw_of(tool), config.grasp_pixel
    seen = patch(before, xy, yaw, spec, pixel=pixel, side=config.patch)
    if isinstance(action, Grasp):
        tip = np.array([action.world_from_tool[2, 3] - spec.workspace.surface])
        middle, border = np.full((1, 2), config.border), config.border
        late = clearances(seen, middle, tip, spec.gripper, border=border)[0]
    return {
        "kind": np.uint8(kind),
        "color": seen.color,
        "height": seen.height.astype(np.float16),
        "late": late,
    }


def _state(top: Heightmap, name: str, spec: CellSpec) -> Mapping[str, Any]:
    """Columns that hold a whole map."""
    height = (top.height - spec.workspace.surface).astype(np.float16)
    return {f"{name}_color": top.color, f"{name}_height": height}


def _followed(transitions: Sequence[_Transition], discount: float) -> list[np.float32]:
    """Whether the next grasp held, discounted for each push before it; NaN where nothing was done
    next, or something that was drawn at random."""
    found: list[np.float32] = []
    after: _Transition | None = None
    for one in reversed(transitions):
        worth = np.nan
        if after is not None and after.index == one.index + 1 and after.probability >= _CHOSEN:
            worth = (
                float(after.row["grasped"])
                if after.row["kind"] == GRASP
                else (0.0 if after.row["lost"] else discount * float(found[-1]))
            )
        found.append(np.float32(worth))
        after = one
    return found[::-1]


CELL_NUMBERS = 11
"""Of a `cell_row`."""


def cell_row(spec: CellSpec) -> NDArray[np.float32]:
    """(11,) m of gripper and workspace, heights above the table: what planning in a next state
    takes of a cell."""
    gripper, workspace = spec.gripper, spec.workspace
    sizes = (
        *(gripper.opening, gripper.finger_thickness, gripper.finger_breadth),
        *(gripper.finger_length, gripper.closed),
    )
    above = np.array([0.0, 0.0, workspace.surface])
    return np.array([*sizes, *workspace.low - above, *workspace.high - above], np.float32)


def cell_of(row: NDArray[np.float32]) -> CellSpec:
    """A cell with the gripper and workspace of a `cell_row`, above a table at height 0."""
    numbers = row.astype(np.float64)
    opening, thickness, breadth, length, closed = numbers[:5].tolist()
    gripper = GripperSpec(opening, thickness, breadth, length, max_force=1.0, closed=closed)
    return CellSpec("", gripper, Workspace(numbers[5:8], numbers[8:]), {}, {})


def _returns(transitions: Sequence[_Transition], discount: float) -> list[np.float32]:
    """SPOT's trial reward: r + discount times what followed, 0 once nothing was gained."""
    found: list[np.float32] = []
    after, follows = -1, 0.0
    for one in reversed(transitions):
        if after != one.index + 1:
            follows = 0.0
        follows = one.reward + discount * follows if one.reward > 0 else 0.0
        found.append(np.float32(follows))
        after = one.index
    return found[::-1]


def _measured(source: Source, config: VPGConfig) -> Mapping[str, np.float32]:
    """By attempt, whether the best grasp after a push held; empty where nothing was measured, as of
    the random actions that collections begin with."""
    if config.reward is not Reward.MEASURED:
        return {}
    try:
        found = source.label(HELD_AFTER)
    except InputError:
        return {}
    return {one: np.float32(bool(held)) for one, held in found.items()}


def batch_of(
    examples: Examples,
    indices: NDArray[np.int64],
    config: VPGConfig,
    rng: np.random.Generator,
    *,
    augment: bool,
) -> Batch:
    """Tensors of the rows at `indices`; with `augment` in other colors and mirrored as the hand is:
    a grasp both ways, a push across its way.

    row is the example's number, negative for one that is not augmented.
    """
    color, height = examples["color"][indices], examples["height"][indices].astype(np.float32)
    kind = examples["kind"][indices]
    if augment:
        color = jitter_color(color, rng)
        across, along = rng.random((2, len(indices))) < _FLIPPED
        along &= kind == GRASP
        color = np.where(across[:, None, None, None], color[:, ::-1], color)
        height = np.where(across[:, None, None], height[:, ::-1], height)
        color = np.where(along[:, None, None, None], color[:, :, ::-1], color)
        height = np.where(along[:, None, None], height[:, :, ::-1], height)
    late = examples["late"][indices]
    return {
        "picture": picture(np.ascontiguousarray(color), height, config),
        "late": torch.from_numpy(late if config.clearances else np.zeros_like(late)),
        "row": torch.from_numpy(indices if augment else -1 - indices),
        **{
            name: torch.from_numpy(examples[name][indices])
            for name in (
                *("kind", "grasped", "changed", "lost", "follows", "followed", "measured"),
                *(("next_color", "next_height", "cell") if config.looks_ahead else ()),
                *(("now_color", "now_height") if config.looks_back else ()),
            )
        },
    }
