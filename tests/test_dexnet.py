"""Dex-Net 2.0: contracts, what the network sees, and its three planners."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from selfgrasp.contracts.methods import CONTRACTS
from selfgrasp.contracts.scenes import box_candidates, box_context, box_source, obvious_context
from selfgrasp.core import Context, InputError, Push
from selfgrasp.core.pose import top_down
from selfgrasp.learn import configs, evaluating
from selfgrasp.methods import registry
from selfgrasp.methods.dexnet.config import DexNetConfig, Output, Planner, Reference, paper
from selfgrasp.methods.dexnet.examples import noise_of
from selfgrasp.methods.dexnet.method import DexNet
from selfgrasp.methods.dexnet.pictures import crops_of, filled, heights
from selfgrasp.methods.dexnet.planners import cem, dense, rank
from selfgrasp.methods.dexnet.scene import Poses, Scene
from selfgrasp.methods.dexnet.slide import slid
from selfgrasp.rollout.picture_view import PictureView, trained_note
from selfgrasp.vision.cem import around_elites

torch.set_num_threads(1)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_contract(contract: Callable[[str], None]):
    contract("dexnet")


@pytest.fixture(scope="module")
def method() -> DexNet:
    built = registry.build("dexnet", seed=1)
    assert isinstance(built, DexNet)
    return built


def scene(method: DexNet, context: Context) -> Scene:
    found = Scene.of(context, method.network, method.config)
    assert isinstance(found, Scene)
    return found


def test_crops_show_heights_above_the_table_wherever_the_camera_is():
    candidates = box_candidates(tuple(box_source(4).attempts("train")))
    crops = crops_of(candidates, DexNetConfig())
    assert crops.picture.shape == (len(candidates), 32, 32)
    middle = crops.picture[:, 12:20, 12:20].max(axis=(1, 2))
    # Fingertips were sent 25 mm below the top of a box, and at least 4 mm above the table.
    assert np.median(np.abs(middle - np.maximum(crops.gripper + 0.025, 0.02))) < 0.01
    assert np.quantile(crops.picture, 0.05) == pytest.approx(0.0, abs=0.01)
    depths = crops_of(candidates, DexNetConfig(reference=Reference.CAMERA))
    np.testing.assert_allclose(depths.gripper, 0.7 - crops.gripper, atol=1e-6)


def test_heights_of_a_tilted_camera():
    intrinsics = np.array([[50.0, 0, 16], [0, 50.0, 16], [0, 0, 1]])
    camera = top_down((0.0, 0.0, 0.8), 0.3)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]]
    camera = camera @ tilt
    v, u = np.mgrid[:32, :32] + 0.5
    rays = np.stack([(u - 16) / 50, (v - 16) / 50, np.ones_like(u)], axis=-1) @ camera[:3, :3].T
    depth = ((0.05 - 0.8) / rays[..., 2]).astype(np.float32)
    np.testing.assert_allclose(heights(depth, intrinsics, camera, 0.02), 0.03, atol=1e-6)


def test_pixels_without_return_are_as_far_as_their_neighbours():
    depth = np.full((20, 20), 0.7, np.float32)
    depth[:, 10:] = 0.6
    depth[5, 3] = depth[5, 15] = np.nan
    whole = filled(depth)
    assert whole[5, 3] == pytest.approx(0.7)
    assert whole[5, 15] == pytest.approx(0.6)
    assert np.isfinite(filled(np.full((4, 4), np.nan, np.float32))).all()


def test_noise_is_as_large_as_it_says():
    rng, config = np.random.default_rng(0), paper()
    distance = np.full(2000, 0.7, np.float32)
    noise = noise_of(distance, 32, config.noise, rng)
    quiet = np.ptp(noise, axis=(1, 2)) < 1e-6
    assert quiet.mean() == pytest.approx(0.5, abs=0.05)
    assert noise[quiet][:, 0, 0].std() == pytest.approx(0.7 / math.sqrt(1000), rel=0.1)
    assert (noise[~quiet] - noise[~quiet].mean((1, 2), keepdims=True)).std() == pytest.approx(
        0.004, rel=0.4
    )


@pytest.mark.parametrize("planner", [rank, cem, dense])
def test_planners_find_the_box(method: DexNet, planner: Callable[..., object]):
    seen = scene(method, obvious_context())
    with evaluating(method):
        found = planner(seen, np.random.default_rng(0)).grasps
    assert len(found.poses) > 5
    near = np.linalg.norm(found.poses.xy, axis=1) < 0.07
    assert near.mean() > 0.9
    assert found.robust.shape == found.values.shape == (len(found.poses),)


def test_what_is_slid_over_the_picture_is_what_is_cut_from_it(method: DexNet):
    seen = scene(method, box_context(1))
    with evaluating(method):
        grid = slid(seen)
        cut = seen.judge(grid.poses)
    assert np.corrcoef(grid.values, cut.values)[0, 1] > 0.98


def test_a_grasp_that_failed_is_tried_elsewhere(method: DexNet):
    context = box_context(2)
    first = method.plan(context)
    tried = first.actions[first.chosen].world_from_tool
    second = method.plan(replace(context, misses=(tried, tried)))
    again = second.actions[second.chosen].world_from_tool
    assert np.linalg.norm(again[:2, 3] - tried[:2, 3]) > 0.02


def test_score_is_what_a_plan_says(method: DexNet):
    context = box_context(3)
    plan = method.plan(context)
    np.testing.assert_allclose(method.score(context, plan.actions), plan.scores, atol=1e-6)
    assert method.score(context, [Push(np.zeros(3), 0.0, 0.01)]) == [0.0]


def test_variants_plan_by_every_planner(method: DexNet):
    names = {"rank", "cem", "dense"}
    assert names <= set(method.variants())
    assert names - {"dense"} <= set(DexNet(replace(paper(), filters=2, hidden=(4, 4))).variants())


def test_it_may_refuse(method: DexNet):
    context, refusing = obvious_context(), method.variants()["robust"]
    plan = refusing.plan(context)
    sure = method.plan(context).scores.max() > 0.5
    assert bool(plan.actions) == sure
    last = method.network.head[-1]
    assert isinstance(last, torch.nn.Linear)
    before = last.bias.detach().clone()
    try:
        for bias, reason in ((-9.0, "nothing here is robust"), (9.0, "")):
            torch.nn.init.constant_(last.bias, bias)
            plan = refusing.plan(context)
            assert bool(plan.actions) == (bias > 0)
            assert reason in plan.reason
    finally:
        last.bias.data.copy_(before)


@pytest.mark.parametrize(
    ("tilt", "distance", "said"),
    [(15.0, 0.75, ""), (15.0, 1.2, "0.6 to 0.85 m away"), (40.0, 0.75, "40 degrees off")],
)
def test_views_that_it_has_not_learned_from_are_said(
    method: DexNet, tilt: float, distance: float, said: str
):
    note = trained_note(method, PictureView(tilt, distance))
    assert said in note
    assert bool(note) == bool(said)
    assert trained_note(registry.baseline_class("heuristic")(), PictureView(60.0, 3.0)) == ""


def test_samples_gather_around_the_best():
    samples = np.array([[0.0, 0.0], [1.0, 1.0], [5.0, 5.0]])
    drawn = around_elites(
        samples,
        np.array([3.0, 2.0, 1.0]),
        elites=2,
        count=400,
        deviation=np.full(2, 0.1),
        rng=np.random.default_rng(0),
    )
    nearest = np.linalg.norm(drawn[:, None] - samples, axis=2).argmin(axis=1)
    assert np.bincount(nearest, minlength=3).tolist() == [200, 200, 0]


def test_poses_are_those_of_top_down():
    poses = Poses(np.array([[0.1, -0.05]]), np.array([0.4]), np.array([0.03]))
    np.testing.assert_allclose(poses.world_from_tool[0], top_down((0.1, -0.05, 0.03), 0.4))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"outputs": ()}, "at least one"),
        ({"pixels": 48}, "32 for the compact"),
        ({"planner": Planner.DENSE, "reference": Reference.CAMERA}, "reference table"),
    ],
)
def test_configs_that_cannot_be(wrong: dict[str, object], said: str):
    with pytest.raises(InputError, match=said):
        DexNetConfig(**wrong)


def test_a_config_without_the_label_of_an_output_is_refused():
    method = DexNet(DexNetConfig(outputs=(Output("unheard", 0.5),)))
    with pytest.raises(InputError, match="unheard"):
        method.examples(box_source(8), "train", np.random.default_rng(0))


def test_configs_survive_json():
    config = DexNetConfig(outputs=(Output("resist", 1.0),), planner=Planner.CEM)
    assert configs.from_json(DexNetConfig, configs.to_json(config)) == config
