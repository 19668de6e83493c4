"""Hand-eye coordination: its geometry against cameras whose place is known, its search on scores
whose maximum is known, its steps one by one."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from selfgrasp.contracts.methods import CONTRACTS
from selfgrasp.contracts.scenes import box_context, box_source
from selfgrasp.core import CellSpec, Close, Context, Hand, Move, Observation, View, Workspace
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse, pose, top_down
from selfgrasp.learn import evaluating
from selfgrasp.methods import registry
from selfgrasp.methods.hand_eye.config import paper, small
from selfgrasp.methods.hand_eye.method import HandEye
from selfgrasp.servo.examples import camera_offset, stored_patches
from selfgrasp.servo.geometry import (
    hand_grid,
    project,
    rigid_inverse,
    rigid_transform,
    sample,
    warp_to_camera,
)
from selfgrasp.servo.method import RISE
from selfgrasp.servo.poses import mirrored, state_of
from selfgrasp.servo.search import (
    FINALISTS,
    MISS_RADIUS,
    Scored,
    failure_penalty,
    non_maximum_suppression,
    rescored,
    search,
)
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig, kuka_bin_spec

PATCHES, SEARCH = small().patches, small().search
PX = 128


@pytest.fixture(scope="module")
def spec() -> CellSpec:
    return kuka_bin_spec(KukaBinConfig(picture_px=PX))


def painted(spec: CellSpec, world_from_camera: FloatArray, height: float) -> View:
    """A plane at `height` whose red grows with x and green with y, 2 / m, as a camera sees it."""
    camera = spec.cameras["shoulder"]
    rows, columns = np.mgrid[:PX, :PX] + 0.5
    rays = (
        np.stack([columns, rows, np.ones_like(rows)], axis=-1)
        @ np.linalg.inv(camera.intrinsics).T
        @ world_from_camera[:3, :3].T
    )
    points = (
        world_from_camera[:3, 3]
        + rays * ((height - world_from_camera[2, 3]) / rays[..., 2])[..., None]
    )
    color = np.clip(
        np.stack(
            [points[..., 0] * 2 + 0.5, points[..., 1] * 2 + 0.5, np.full_like(rows, 0.5)], axis=-1
        ),
        0,
        1,
    )
    return View((color * 255).astype(np.uint8), None, camera.intrinsics, world_from_camera)


def test_the_grids_axes_are_the_hands() -> None:
    grid = hand_grid(torch.tensor([[0.1, 0.02, math.pi / 2]]), 25, 0.0, PATCHES)[0, 0]
    np.testing.assert_allclose(grid[12, 12, :2], [0.1, 0.02], atol=1e-6)
    # One column further is one pixel along the closing direction, which is the world's y here; one
    # row further is along -x.
    np.testing.assert_allclose(grid[12, 13] - grid[12, 12], [0, PATCHES.pixel, 0], atol=1e-6)
    np.testing.assert_allclose(grid[13, 12] - grid[12, 12], [-PATCHES.pixel, 0, 0], atol=1e-6)


def test_projection_agrees_with_numpy(spec: CellSpec) -> None:
    camera = spec.cameras["shoulder"]
    points = np.random.default_rng(0).uniform(-0.15, 0.15, (20, 3))
    seen = apply(inverse(camera.world_from_camera), points) @ camera.intrinsics.T
    found = project(
        torch.from_numpy(points),
        torch.from_numpy(inverse(camera.world_from_camera)),
        torch.from_numpy(camera.intrinsics.copy()),
    )
    np.testing.assert_allclose(found, seen[:, :2] / seen[:, 2:], atol=1e-9)


def test_sampling_reads_pixel_centres_and_nothing_outside() -> None:
    picture = torch.arange(12.0).reshape(1, 3, 4).repeat(3, 1, 1)
    px = torch.tensor([[0.5, 0.5], [3.5, 2.5], [1.0, 0.5], [-3.0, 1.0]]).reshape(1, 1, 2, 2, 2)
    np.testing.assert_allclose(
        sample(picture, px)[0, 0, 0].flatten(), [0.0, 11.0, 0.5, 0.0], atol=1e-6
    )


def test_a_stored_patch_shows_where_the_hand_closed(spec: CellSpec) -> None:
    view = painted(spec, spec.cameras["shoulder"].world_from_camera, PATCHES.planes[0])
    for final in (np.array([0.05, -0.08, 0.0]), np.array([-0.1, 0.06, 0.7])):
        patch = stored_patches(view, final, spec, PATCHES)[0].astype(float) / 255
        half = PATCHES.stored_px // 2
        middle = patch[half - 1 : half + 1, half - 1 : half + 1].mean(axis=(0, 1))
        np.testing.assert_allclose((middle[:2] - 0.5) / 2, final[:2], atol=0.003)


def test_mounts_survive_a_round_trip(spec: CellSpec) -> None:
    camera = spec.cameras["shoulder"]
    mount = np.array([0.03, -0.05, 0.02, 0.01, -0.02, 0.015])
    world_from_camera = (
        camera.world_from_camera @ rigid_transform(torch.from_numpy(mount[None]))[0].numpy()
    )
    view = painted(spec, world_from_camera, 0.0)
    np.testing.assert_allclose(camera_offset(view, camera), mount, atol=1e-9)
    both = rigid_transform(torch.from_numpy(mount[None])) @ rigid_inverse(
        rigid_transform(torch.from_numpy(mount[None]))
    )
    np.testing.assert_allclose(both[0], np.eye(4), atol=1e-9)


def test_a_displaced_picture_is_what_the_other_camera_sees(spec: CellSpec) -> None:
    camera = spec.cameras["shoulder"]
    further = rigid_transform(torch.tensor([[0.02, -0.03, 0.04, 0.01, -0.015, 0.02]]))
    here = painted(spec, camera.world_from_camera, 0.03)
    there = painted(spec, camera.world_from_camera @ further[0].double().numpy(), 0.03)
    picture = torch.from_numpy(here.color.copy()).permute(2, 0, 1)[None].float()
    made = warp_to_camera(
        picture,
        torch.tensor(camera.world_from_camera).float()[None],
        torch.tensor(camera.intrinsics).float()[None],
        further,
    )
    inner = slice(16, PX - 16)
    difference = made[0].permute(1, 2, 0).numpy()[inner, inner] - there.color[inner, inner]
    assert np.abs(difference).mean() < 1.0


def test_the_state_knows_neither_left_from_right_nor_front_from_back() -> None:
    rng = np.random.default_rng(0)
    final = rng.uniform(-0.1, 0.1, (5, 3))
    hand = np.c_[rng.uniform(-0.1, 0.1, (5, 2)), np.full(5, 0.1), rng.uniform(-1, 1, 5)]
    camera = np.tile([0.6, -0.8], (5, 1))
    half_turn = final + np.array([0, 0, math.pi])
    turned = mirrored(state_of(final, hand, camera), np.full((5, 2), -1.0))
    np.testing.assert_allclose(state_of(half_turn, hand, camera), turned, atol=1e-6)
    # The whole scene mirrored at the x axis: the hand frame's y axis is flipped.
    other = state_of(final * [1, -1, -1], hand * [1, -1, 1, -1], camera * [1, -1])
    np.testing.assert_allclose(
        other, mirrored(state_of(final, hand, camera), np.tile([1.0, -1.0], (5, 1))), atol=1e-6
    )


def test_a_cell_on_a_high_table_looks_the_same_to_the_networks() -> None:
    def raised(pose: FloatArray, height: float) -> FloatArray:
        return pose + np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, height], [0, 0, 0, 0]])

    method, context, poses = (
        registry.build("hand_eye"),
        box_context(),
        np.array([[0.05, -0.02, 0.3], [-0.1, 0.04, -1.0]]),
    )
    # One that has not learned finds the camera where it is drawn, whatever it sees.
    for weight in method.parameters():
        torch.nn.init.normal_(
            weight, std=0.05, generator=torch.Generator().manual_seed(weight.numel())
        )
    scores = []
    for height in (0.0, 0.8):
        spec, (view,), hand = (
            context.spec,
            context.observation.views.values(),
            top_down((0.03, -0.02, 0.03 + height), 0.2),
        )
        cameras = {
            name: replace(camera, world_from_camera=raised(camera.world_from_camera, height))
            for name, camera in spec.cameras.items()
        }
        low, high = (
            corner + np.array([0, 0, height])
            for corner in (spec.workspace.low, spec.workspace.high)
        )
        workspace = Workspace(low, high, spec.workspace.surface + height)
        seen = replace(view, world_from_camera=raised(view.world_from_camera, height))
        now = Observation(
            0.0,
            dict.fromkeys(cameras, seen),
            replace(context.observation.hand, world_from_tool=hand),
        )
        with evaluating(method):
            look = method.scorer(
                Context(now, replace(spec, cameras=cameras, workspace=workspace), seed=0)
            )
            scores.append(look.careful_logits(poses))
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)


def test_the_search_finds_the_better_of_two_hills(spec: CellSpec) -> None:
    hills = np.array([[0.1, 0.1, 0.3], [-0.1, -0.05, -0.5]])

    def score(poses: FloatArray) -> FloatArray:
        distance = [np.linalg.norm((poses - hill) / [0.04, 0.04, 0.6], axis=1) for hill in hills]
        values: FloatArray = np.maximum(
            3 * np.exp(-(distance[0] ** 2)), 2 * np.exp(-(distance[1] ** 2))
        )
        return values

    found = [
        search(score, None, spec.workspace, SEARCH, np.random.default_rng(s)) for s in range(20)
    ]
    best = np.array([f.poses[f.logits.argmax()] for f in found])
    near = np.linalg.norm((best - hills[0])[:, :2], axis=1) < 0.02
    assert near.mean() > 0.8
    assert all(len(f.poses) == SEARCH.samples * SEARCH.iterations for f in found)
    at = np.array([0.02, 0.03, 0.4])
    np.testing.assert_array_equal(
        search(score, at, spec.workspace, SEARCH, np.random.default_rng(0)).poses[0], at
    )


def test_the_luckiest_guess_does_not_survive_a_second_judgement(spec: CellSpec) -> None:
    poses = np.random.default_rng(0).uniform(-0.1, 0.1, (60, 3))
    honest = poses[:, 0]
    lucky = honest.copy()
    lucky[7] = 10.0
    found = rescored(Scored(poses, lucky), lambda p: p[:, 0])
    assert len(found.poses) == 1 + FINALISTS
    np.testing.assert_array_equal(found.poses[0], poses[0])
    np.testing.assert_array_equal(found.poses[1], poses[7])
    assert found.logits.max() == honest[np.argsort(-lucky)[:FINALISTS]].max()


def test_alternatives_lie_apart() -> None:
    poses = np.array([[0.0, 0.0, 0.0], [0.01, 0.0, 1.0], [0.05, 0.0, 0.0], [0.1, 0.0, 0.0]])
    np.testing.assert_array_equal(
        non_maximum_suppression(Scored(poses, np.array([1.0, 2.0, 0.0, -1.0])), 2, 0.03), [1, 2]
    )
    np.testing.assert_array_equal(
        non_maximum_suppression(Scored(poses, np.array([1.0, 2.0, 0.0, -1.0])), 9, 0.06), [1, 3]
    )


def test_a_hand_that_failed_somewhere_tries_elsewhere_first(spec: CellSpec) -> None:
    miss = top_down((0.05, 0.0, 0.004), 1.0)
    poses = np.array([[0.05, 0.0, -1.0], [0.08, 0.0, 0.0], [-0.1, 0.0, 0.0]])
    np.testing.assert_allclose(
        failure_penalty(poses, (miss, miss)), [2.0, 2 * math.exp(-0.5), 0.0], atol=1e-4
    )
    np.testing.assert_array_equal(failure_penalty(poses, ()), 0.0)
    method = registry.build("hand_eye", seed=1)
    hand = looked(spec, np.array([0.0, 0.0, 0.25]))
    context = Context(hand, spec, first=hand, step=1)
    best = method.plan(context).actions[0]
    assert isinstance(best, Move)
    # The network is not trained: it finds everything about as good, so that a few misses decide.
    told = replace(context, misses=(top_down((*best.translation[:2], 0.004), 0.0),) * 5)
    elsewhere = method.plan(told).actions[0]
    assert isinstance(elsewhere, Move)
    assert np.linalg.norm((elsewhere.translation - best.translation)[:2]) > MISS_RADIUS
    np.testing.assert_array_equal(
        method.variants()["no_failure_memory"].plan(told).scores, method.plan(context).scores
    )


def test_mirrors_are_averaged_away(spec: CellSpec) -> None:
    method = registry.build("hand_eye", seed=1).eval()
    hand = looked(spec, np.array([0.02, 0.01, 0.25]), 0.3)
    with torch.inference_mode():
        look = method.scorer(Context(hand, spec, first=hand))
        poses = np.array([[0.05, -0.03, 0.4], [0.0, 0.08, -1.2]])
        half_turned = poses + np.array([0.0, 0.0, math.pi])
        assert np.abs(look.logits(poses) - look.logits(half_turned)).max() > 1e-3
        np.testing.assert_allclose(
            look.careful_logits(poses), look.careful_logits(half_turned), atol=1e-3
        )


def looked(spec: CellSpec, where: FloatArray, yaw: float = 0.0) -> Observation:
    view = painted(spec, spec.cameras["shoulder"].world_from_camera, 0.0)
    return Observation(0.0, {"shoulder": view}, Hand(top_down(where, yaw), 0.085, 0.0))


class Fixed(HandEye):
    """Judges by a rule instead of by pictures."""

    def __init__(self, best: FloatArray) -> None:
        super().__init__(small())
        self.best = best

    def scorer(self, context: Context, *, calibrated: bool = False) -> "Fixed":
        return self

    def logits(self, poses: FloatArray) -> FloatArray:
        values: FloatArray = (
            3 - 3 * (np.linalg.norm(poses[:, :2] - self.best[:2], axis=1) / 0.02) ** 2
        )
        return values

    careful_logits = logits


def test_the_hand_goes_over_down_and_closes(spec: CellSpec) -> None:
    best = np.array([0.05, 0.05, 0.0])
    method = Fixed(best)
    where, heights = np.array([-0.4, -0.25, 0.4]), []
    first = looked(spec, where)
    for step in range(10):
        plan = method.plan(Context(looked(spec, where), spec, first=first, step=step))
        if isinstance(plan.action, Close):
            break
        assert isinstance(plan.action, Move)
        where = where + plan.action.translation
        heights.append(round(float(where[2]), 3))
    assert heights[0] == 0.25
    assert heights[-1] == pytest.approx(spec.workspace.low[2])
    assert heights == sorted(heights, reverse=True)
    assert np.linalg.norm(where[:2] - best[:2]) < 0.01
    assert step <= 5


def test_a_hand_that_stands_badly_rises_first(spec: CellSpec) -> None:
    method = Fixed(np.array([0.1, 0.1, 0.0]))
    plan = method.plan(Context(looked(spec, np.array([-0.1, -0.1, 0.01])), spec, step=3))
    assert isinstance(plan.action, Move)
    np.testing.assert_allclose(plan.action.translation, [0, 0, RISE])


def test_the_last_step_closes_whatever_it_thinks(spec: CellSpec) -> None:
    method = Fixed(np.array([0.1, 0.1, 0.0]))
    assert isinstance(
        method.plan(
            Context(looked(spec, np.array([-0.1, -0.1, 0.01])), spec, step=method.config.steps)
        ).action,
        Close,
    )


def test_planning_reads_neither_the_views_calibration_nor_depth(spec: CellSpec) -> None:
    method = registry.build("hand_eye", seed=1)
    honest = looked(spec, np.array([0.0, 0.0, 0.25]))
    view = honest.view()
    lying = View(
        view.color,
        np.full((PX, PX), 1.0, np.float32),
        view.intrinsics,
        view.world_from_camera @ pose(translation=(0.1, 0.1, 0.0)),
    )
    plans = [
        method.plan(Context(o, spec, first=o, step=1))
        for o in (honest, Observation(0.0, {"shoulder": lying}, honest.hand))
    ]
    np.testing.assert_array_equal(plans[0].scores, plans[1].scores)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
def test_contract(contract: Callable[[str], None]) -> None:
    contract("hand_eye")


def test_the_published_network_learns_and_plans(spec: CellSpec) -> None:
    config = replace(paper(), image_px=96)
    method = registry.build("hand_eye", config=config)
    assert sum(isinstance(module, torch.nn.Conv2d) for module in method.modules()) == 16
    examples = method.examples(box_source(8, grasps=6), "train", np.random.default_rng(0))
    batch = method.batch(examples, np.arange(6), np.random.default_rng(0), augment=True)
    assert batch["whole"].shape == (6, 6, 96, 96)
    method.loss(batch).value.backward()
    first = looked(spec, np.array([-0.4, -0.25, 0.4]))
    plan = method.plan(Context(first, spec, first=first, step=0))
    assert isinstance(plan.action, Move)
    # What is judged late from pictures seen once is what is judged from both together.
    judge = method.eval().judge
    with torch.inference_mode():
        together = judge(batch["whole"], batch["motion"])
        parted = torch.cat(
            [
                judge.predict(judge.seeing(batch["whole"][i : i + 1]), batch["motion"][i : i + 1])
                for i in range(6)
            ]
        )
    torch.testing.assert_close(together, parted, atol=1e-4, rtol=1e-4)
    assert "open" not in method.variants()
