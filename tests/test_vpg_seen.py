"""What VPG's networks see: the same over a whole map as in the patch around an action."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from vision_scenes import Box, camera, context, render, without_depth

from selfgrasp.core import CellSpec, GripperSpec, Push, Workspace
from selfgrasp.learn import Examples
from selfgrasp.methods import registry
from selfgrasp.methods.baselines.random_push_grasp import RandomPushGraspPolicy
from selfgrasp.methods.vpg.config import VPGConfig
from selfgrasp.methods.vpg.examples import GRASP, PUSH, batch_of, cell_of, cell_row
from selfgrasp.methods.vpg.network import Networks
from selfgrasp.methods.vpg.seen import (
    LATE,
    Scored,
    clearances,
    patch,
    picture,
    score_grasps,
    score_pushes,
)
from selfgrasp.vision import Heightmap, heightmap
from selfgrasp.vision.turned import PUSH_HEIGHT
from selfgrasp.workcell.cells.flat_table import FlatTableConfig, flat_table_spec, static_camera

SPEC = flat_table_spec(FlatTableConfig())
# Turned cells of pushes, too, then fall upon cells of the map.
CONFIG = VPGConfig(push_pixel=0.004)
PATCH, BORDER = CONFIG.patch, CONFIG.border
BLOCKS = [
    Box((0.03, 0.02), (0.05, 0.05, 0.05), 0.0, color=(200, 40, 40)),
    Box((0.03, -0.032), (0.10, 0.05, 0.025), 0.1, color=(40, 90, 200)),
    Box((-0.09, 0.05), (0.05, 0.10, 0.05), 0.7, color=(60, 170, 60)),
]
WIDE = replace(SPEC, gripper=GripperSpec(0.14, 0.01, 0.02, 0.05, 40.0))


def seen_from_above(*blocks: Box) -> Heightmap:
    view = render(
        blocks, width=320, height=240, world_from_camera=static_camera(480).world_from_camera
    )
    return heightmap(view, SPEC.workspace, pixel=0.004, margin=0.0)


@pytest.fixture(scope="module")
def top() -> Heightmap:
    return seen_from_above(*BLOCKS)


@pytest.fixture(scope="module")
def networks() -> Networks:
    torch.manual_seed(0)
    return Networks(CONFIG, LATE).eval()


def by_patches(
    networks: Networks, top: Heightmap, scored: Scored, spec: CellSpec, *, push: bool
) -> np.ndarray:
    """Values of the same actions, each from its own patch."""
    values = []
    for xy, yaw, z in zip(scored.xy, scored.yaw, scored.z, strict=True):
        pixel = CONFIG.push_pixel if push else CONFIG.grasp_pixel
        seen = patch(top, xy, yaw, spec, pixel=pixel, side=PATCH)
        assert seen.height.shape == (PATCH, PATCH)
        x = picture(seen.color[None], seen.height[None], CONFIG)
        late = clearances(
            seen,
            np.array([[BORDER, BORDER]]),
            np.array([z - spec.workspace.surface]),
            spec.gripper,
            border=BORDER,
        )
        with torch.no_grad():
            if push:
                values.append(networks.push(x, torch.zeros(1, 0)).item())
            else:
                values.append(networks.grasp(x, torch.from_numpy(late)).item())
    return np.array(values)


def some(scored: Scored, turned: bool, count: int) -> Scored:
    """A few of those whose map was turned by no multiple of 90 degrees, or of the others."""
    quarters = scored.yaw / (math.pi / 2)
    wanted = np.flatnonzero((np.abs(quarters - np.rint(quarters)) > 0.01) == turned)
    return scored.take(wanted[np.random.default_rng(1).permutation(len(wanted))[:count]])


@pytest.mark.parametrize("spec", [SPEC, WIDE], ids=["packed", "wide"])
def test_slid_over_a_map_grasps_have_the_values_of_their_patches(
    networks: Networks, top: Heightmap, spec: CellSpec
) -> None:
    with torch.no_grad():
        every = score_grasps(networks, top, spec, CONFIG)
    straight, across = some(every, False, 40), some(every, True, 40)
    expected = by_patches(networks, top, straight, spec, push=False)
    np.testing.assert_allclose(straight.values, expected, atol=1e-4)
    assert np.ptp(expected) > 0.01
    expected = by_patches(networks, top, across, spec, push=False)
    assert np.corrcoef(across.values, expected)[0, 1] > 0.99


def test_slid_over_a_map_pushes_have_the_values_of_their_patches(
    networks: Networks, top: Heightmap
) -> None:
    with torch.no_grad():
        every = score_pushes(networks, top, SPEC, CONFIG)
    straight, across = some(every, False, 40), some(every, True, 40)
    expected = by_patches(networks, top, straight, SPEC, push=True)
    np.testing.assert_allclose(straight.values, expected, atol=1e-4)
    assert np.ptp(expected) > 0.01
    expected = by_patches(networks, top, across, SPEC, push=True)
    assert np.corrcoef(across.values, expected)[0, 1] > 0.99


@pytest.mark.parametrize("spec", [SPEC, WIDE], ids=["packed", "wide"])
def test_clearances_are_what_lies_under_the_fingers(spec: CellSpec) -> None:
    reach = (spec.gripper.opening + spec.gripper.finger_thickness) / 2
    wall = Box((min(reach, 0.052), 0.0), (0.012, 0.06, 0.06))
    seen = patch(seen_from_above(wall), np.zeros(2), 0.0, spec, pixel=0.004, side=PATCH)
    near, far, between, *halfway = clearances(
        seen, np.array([[BORDER, BORDER]]), np.array([0.05]), spec.gripper, border=BORDER
    )[0, 1:].tolist()
    # In units of 12.5 mm: one finger stands 10 mm over its wall, the others 50 mm over the table.
    assert far == pytest.approx(0.8, abs=0.1)
    assert [near, between, *halfway] == pytest.approx([-4.0] * 4, abs=0.1)


def mirrored(block: Box, across: bool, along: bool) -> Box:
    x, y = block.xy
    turns = -1.0 if across != along else 1.0
    return replace(block, xy=(-x if along else x, -y if across else y), yaw=turns * block.yaw)


def rows_of(*seen: Heightmap) -> Examples:
    """A grasp and a push in the middle of each map."""
    patches = [
        patch(one, np.array([0.002, 0.002]), 0.0, SPEC, pixel=0.004, side=PATCH) for one in seen
    ]
    count = len(patches) * 2
    late = np.random.default_rng(0).random((count, LATE)).astype(np.float32)
    names = ("grasped", "changed", "lost", "follows", "followed", "measured")
    columns = {
        "kind": np.array([GRASP, PUSH] * len(patches), np.uint8),
        "color": np.repeat([one.color for one in patches], 2, axis=0),
        "height": np.repeat([one.height for one in patches], 2, axis=0),
        "late": late,
        **{name: np.zeros(count, np.float32) for name in names},
    }
    return Examples(columns, np.ones(count, np.float32))


def test_examples_are_mirrored_as_the_scene_would_be() -> None:
    """A patch has a middle cell: mirrored about it is mirrored about the hand."""
    flips = [(across, along) for across in (False, True) for along in (False, True)]
    middle = np.array([0.002, 0.002])
    maps = []
    for across, along in flips:
        height = np.zeros((112, 112), np.float32)
        for row, column, z in ((56 + 3, 56 + 7, 0.05), (56 - 9, 56 + 2, 0.02), (56, 56 - 5, 0.03)):
            at = (112 - row if across else row, 112 - column if along else column)
            height[at] = z
        plain = seen_from_above()
        maps.append(Heightmap(plain.color, height, plain.valid, plain.world_from_map, plain.pixel))
    expected = [patch(one, middle, 0.0, SPEC, pixel=0.004, side=PATCH).height for one in maps]
    rows = rows_of(maps[0])
    config = VPGConfig(color=False)
    found: dict[int, set[int]] = {GRASP: set(), PUSH: set()}
    for seed in range(40):
        batch = batch_of(rows, np.arange(2), config, np.random.default_rng(seed), augment=True)
        for kind in (GRASP, PUSH):
            shown = batch["picture"][kind, 0].numpy() * 0.05
            same = [i for i, one in enumerate(expected) if np.allclose(one, shown, atol=1e-6)]
            assert len(same) == 1
            found[kind].add(same[0])
        np.testing.assert_array_equal(batch["late"].numpy(), rows["late"])
    assert found[GRASP] == {0, 1, 2, 3}
    # A push is never turned round.
    assert found[PUSH] == {flips.index((False, False)), flips.index((True, False))}


def test_late_numbers_do_not_change_in_a_mirror() -> None:
    block = Box((0.03, 0.012), (0.05, 0.03, 0.04), 0.4)
    place, tip = np.array([[BORDER, BORDER]]), np.array([0.02])
    plain = patch(
        seen_from_above(block), np.array([0.002, 0.002]), 0.0, SPEC, pixel=0.004, side=PATCH
    )
    expected = clearances(plain, place, tip, SPEC.gripper, border=BORDER)
    for flip in (np.flipud, np.fliplr):
        other = replace(plain, height=np.ascontiguousarray(flip(plain.height)))
        np.testing.assert_array_equal(
            clearances(other, place, tip, SPEC.gripper, border=BORDER), expected
        )


def test_next_states_are_valued_on_a_table_of_any_height() -> None:
    low, high = SPEC.workspace.low.copy(), SPEC.workspace.high.copy()
    low[2], high[2] = 0.504, 0.8
    gripper = replace(SPEC.gripper, closed=0.004)
    spec = replace(SPEC, workspace=Workspace(low, high, 0.5), gripper=gripper)
    found = cell_of(cell_row(spec))
    assert found.workspace.surface == 0.0
    np.testing.assert_allclose(found.workspace.low, SPEC.workspace.low, atol=1e-6)
    np.testing.assert_allclose(found.workspace.high, SPEC.workspace.high, atol=1e-6)
    assert found.gripper.closed == pytest.approx(0.004)


def test_pushes_stay_above_a_table_of_any_height() -> None:
    lifted = replace(BLOCKS[0], bottom=0.1)
    view = render([lifted], table=0.1, width=320, height=240, world_from_camera=camera(0.0))
    low, high = SPEC.workspace.low.copy(), SPEC.workspace.high.copy()
    low[2], high[2] = 0.104, 0.4
    seen = context(view, workspace=Workspace(low, high, 0.1), gripper=SPEC.gripper)
    pushes = [one for one in registry.build("vpg").plan(seen).actions if isinstance(one, Push)]
    assert pushes
    np.testing.assert_allclose([one.start[2] for one in pushes], 0.1 + PUSH_HEIGHT)


@pytest.mark.parametrize("policy", [registry.build("vpg"), RandomPushGraspPolicy()])
def test_what_cannot_be_planned_is_said(policy) -> None:
    view = render([BLOCKS[0]])
    said = {
        "no depth": policy.plan(context(without_depth(view))),
        "nothing stands": policy.plan(context(render([]))),
    }
    outside = render([Box((0.25, 0.0), (0.05, 0.05, 0.05))], world_from_camera=camera(distance=0.9))
    said["nothing stands in"] = policy.plan(context(outside))
    for words, plan in said.items():
        assert plan.action is None
        assert words in plan.reason


def test_no_return_anywhere_is_said() -> None:
    view = render([], holes=1.0)
    assert "measured no depth" in registry.build("vpg").plan(context(view)).reason


@pytest.mark.parametrize("side", [0.05, 0.2, 0.5])
def test_it_plans_in_a_workspace_of_any_size(side: float) -> None:
    workspace = Workspace(np.array([-side, -0.03, 0.004]), np.array([side, 0.05, 0.3]), 0.0)
    view = render([BLOCKS[0]], world_from_camera=camera(distance=1.2))
    plan = registry.build("vpg").plan(context(view, workspace=workspace))
    assert plan.actions
    for action in plan.actions:
        at = action.start if isinstance(action, Push) else action.world_from_tool[:3, 3]
        assert workspace.contains(at)
