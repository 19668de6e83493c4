"""The policies that learn nothing, on pictures whose best grasp is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from vision_scenes import GRIPPER, WORKSPACE, Box, Cylinder, camera, context, render, without_depth

from selfgrasp.core import Close, Grasp, Policy, Scorer, View
from selfgrasp.core.pose import angle_between_grasps, pose, top_down, yaw_of
from selfgrasp.methods.baselines import HeuristicConfig, HeuristicPolicy, IGQPolicy, RandomPolicy
from selfgrasp.methods.baselines.igq import NO_PAIR

SCENE = [
    Box((0.05, 0.03), (0.03, 0.09, 0.05), 0.5),
    Box((-0.1, -0.08), (0.04, 0.04, 0.1), 0.2),
    Cylinder((-0.1, 0.1), 0.02, 0.07),
]
CAMERAS = {
    "overhead": {},
    "coarse": {"width": 80, "height": 80, "world_from_camera": camera(15)},
    "tilted, noisy": {"world_from_camera": camera(20), "noise": 0.0015, "holes": 0.05},
    "fine, from the side": {
        "width": 640,
        "height": 480,
        "world_from_camera": camera(30, around_deg=200),
        "noise": 0.0015,
        "holes": 0.05,
    },
    "wide": {"width": 224, "height": 224, "fov": 0.7},
}
BOXES = [
    Box((0.05, 0.03), (0.03, 0.09, 0.05), 0.5),
    Box((-0.1, -0.08), (0.04, 0.06, 0.1), 2.2),
    Box((0.0, -0.12), (0.05, 0.12, 0.03), 1.2),
]
POLICIES = [RandomPolicy(), HeuristicPolicy(), IGQPolicy()]


def without_returns(view: View) -> View:
    return View(
        view.color, np.full(view.size, np.nan, np.float32), view.intrinsics, view.world_from_camera
    )


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.name)
class TestEveryBaseline:
    def test_it_is_a_policy_that_reads_nothing_privileged(self, policy):
        assert isinstance(policy, Policy)
        assert policy.privileged == ()

    def test_its_grasps_are_many_and_inside_the_workspace(self, policy):
        plan = policy.plan(context(render(SCENE)))
        assert 10 <= len(plan.actions) <= 20
        for action in plan.actions:
            assert WORKSPACE.contains(action.world_from_tool[:3, 3])
            assert 0 < action.width <= GRIPPER.opening

    def test_the_same_context_gives_the_same_plan(self, policy):
        a, b = (policy.plan(context(render(SCENE), seed=5)) for _ in range(2))
        assert (a.scores == b.scores).all()
        assert all(
            (x.world_from_tool == y.world_from_tool).all()
            for x, y in zip(a.actions, b.actions, strict=True)
        )

    @pytest.mark.parametrize(
        ("view", "reason"),
        [
            (render([]), "nothing rises above the table in the workspace"),
            (
                without_returns(render(SCENE)),
                "the camera measured no depth anywhere in the workspace",
            ),
            (
                without_depth(render(SCENE)),
                "the view has no depth",
            ),
            (
                render([Box((0.24, 0.24), (0.03, 0.03, 0.05))]),
                "nothing rises above the table in the workspace",
            ),
        ],
        ids=["empty", "no return", "monocular", "outside"],
    )
    def test_where_there_is_nothing_to_grasp_it_says_why(self, policy, view, reason):
        plan = policy.plan(context(view))
        assert plan.actions == ()
        assert plan.reason == reason

    def test_it_leaves_the_context_alone(self, policy):
        given = context(render(SCENE))
        before = given.observation.view().depth.copy()
        policy.plan(given)
        assert np.array_equal(given.observation.view().depth, before, equal_nan=True)


def test_random_grasps_land_on_things_at_all_angles_and_visit_every_region_alike():
    grasps = [
        a
        for seed in range(20)
        for a in RandomPolicy().plan(context(render(SCENE), seed=seed)).actions
    ]
    xy = np.array([g.world_from_tool[:2, 3] for g in grasps])
    distance = np.stack([np.linalg.norm(xy - thing.xy, axis=1) for thing in SCENE])
    assert (distance.min(axis=0) < 0.055).all()
    assert np.bincount(distance.argmin(axis=0), minlength=3) / len(grasps) == pytest.approx(
        [1 / 3] * 3, abs=0.1
    )
    yaw = np.array([yaw_of(g.world_from_tool) for g in grasps])
    assert yaw.min() >= 0
    assert yaw.max() < math.pi
    assert np.histogram(yaw, 4, (0, math.pi))[0] / len(yaw) == pytest.approx([0.25] * 4, abs=0.1)


@pytest.mark.parametrize("camera_name", CAMERAS)
@pytest.mark.parametrize("box", BOXES, ids=str)
def test_the_best_grasp_of_a_box_is_across_its_short_side_at_its_centre(camera_name, box):
    plan = HeuristicPolicy().plan(context(render([box], **CAMERAS[camera_name])))
    best = plan.action.world_from_tool
    assert np.linalg.norm(best[:2, 3] - box.xy) < 0.006
    if box.size[1] > GRIPPER.opening:
        assert math.degrees(angle_between_grasps(yaw_of(best), box.yaw)) < 8
    else:
        turns = [
            math.degrees(angle_between_grasps(yaw_of(best), box.yaw + quarter))
            for quarter in (0, math.pi / 2)
        ]
        assert min(turns) < 8


def test_a_thing_turned_with_its_camera_gets_the_same_grasp_turned():
    box = Box((0.06, -0.03), (0.03, 0.09, 0.05), 0.4)
    turn = 1.0
    c, s = math.cos(turn), math.sin(turn)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
    turned_box = Box(tuple(rotation[:2, :2] @ box.xy), box.size, box.yaw + turn)
    a = HeuristicPolicy().plan(context(render([box], world_from_camera=camera(15)))).action
    b = (
        HeuristicPolicy()
        .plan(context(render([turned_box], world_from_camera=pose(rotation=rotation) @ camera(15))))
        .action
    )
    assert rotation @ a.world_from_tool[:3, 3] == pytest.approx(b.world_from_tool[:3, 3], abs=0.005)
    assert (
        math.degrees(
            angle_between_grasps(yaw_of(a.world_from_tool) + turn, yaw_of(b.world_from_tool))
        )
        < 8
    )


def test_the_heuristic_keeps_its_fingers_off_a_neighbour():
    thing, wall = (
        Box((0.0, 0.0), (0.04, 0.04, 0.05)),
        Box((0.033, 0.0), (0.02, 0.1, 0.05), color=(0, 0, 0)),
    )
    best = HeuristicPolicy().plan(context(render([thing, wall]))).action.world_from_tool
    across_the_wall = abs(math.cos(yaw_of(best)))
    assert across_the_wall < 0.4 or np.linalg.norm(best[:2, 3]) > 0.02


def test_scores_of_its_own_grasps_are_the_plans_and_worse_ones_score_lower():
    policy, given = HeuristicPolicy(), context(render(SCENE))
    plan = policy.plan(given)
    assert isinstance(policy, Scorer)
    assert policy.score(given, plan.actions[:3]) == pytest.approx(plan.scores[:3], abs=0.05)
    across = Grasp(top_down((0.05, 0.03, 0.025), 0.5), 0.085)
    along = Grasp(top_down((0.05, 0.03, 0.025), 0.5 + math.pi / 2), 0.085)
    on_table = Grasp(top_down((0.15, -0.15, 0.004), 0.0), 0.085)
    scores = policy.score(given, [across, along, on_table, Close()])
    assert scores[0] > scores[1] + 0.3
    assert scores[0] > scores[2] + 0.3
    assert scores[3] == scores.min()
    assert np.isfinite(policy.score(context(render([])), [across])).all()


def test_the_heuristics_candidates_are_ranked_and_differ():
    plan = HeuristicPolicy().plan(context(render(SCENE)))
    assert plan.chosen == 0
    assert (np.diff(plan.scores) <= 0).all()
    for i, a in enumerate(plan.actions):
        for b in plan.actions[:i]:
            near = (
                np.linalg.norm(a.world_from_tool[:2, 3] - b.world_from_tool[:2, 3])
                < HeuristicConfig().separation
            )
            assert not near or angle_between_grasps(
                yaw_of(a.world_from_tool), yaw_of(b.world_from_tool)
            ) >= math.radians(40)


def test_its_map_shows_the_best_score_where_the_best_grasp_is():
    plan = HeuristicPolicy().plan(context(render(SCENE)))
    heat = plan.maps["quality"]
    layer, row, col = np.unravel_index(np.nanargmax(heat.values), heat.values.shape)
    xy = heat.world_from_map[:2, 3] + (np.array([col, row]) + 0.5) * heat.pixel
    assert np.linalg.norm(xy - plan.action.world_from_tool[:2, 3]) < 0.006
    assert angle_between_grasps(
        heat.angles[layer], yaw_of(plan.action.world_from_tool)
    ) < math.radians(8)


@pytest.mark.parametrize("camera_name", CAMERAS)
@pytest.mark.parametrize("box", BOXES, ids=str)
def test_igq_closes_on_two_opposite_faces_of_a_box_near_its_middle(camera_name, box):
    plan = IGQPolicy().plan(context(render([box], **CAMERAS[camera_name])))
    best = plan.action.world_from_tool
    assert np.linalg.norm(best[:2, 3] - box.xy) < 0.008
    cone = math.degrees(math.atan(IGQPolicy().config.friction))
    quarters = (0,) if box.size[1] > GRIPPER.opening else (0, math.pi / 2)
    turns = [angle_between_grasps(yaw_of(best), box.yaw + quarter) for quarter in quarters]
    assert math.degrees(min(turns)) < cone + 2


def test_igq_scores_are_distances_to_the_middle_of_the_grasps_own_object():
    plan = IGQPolicy().plan(context(render(SCENE)))
    xy = np.array([grasp.world_from_tool[:2, 3] for grasp in plan.actions])
    away = np.linalg.norm(xy[:, None] - np.array([thing.xy for thing in SCENE]), axis=-1)
    assert set(away.argmin(axis=1)) == {0, 1, 2}
    assert -plan.scores == pytest.approx(away.min(axis=1), abs=0.008)
    assert (np.diff(plan.scores) <= 0).all()


def test_igq_refuses_what_is_wider_than_the_gripper_opens():
    plan = IGQPolicy().plan(context(render([Box((0.0, 0.0), (0.13, 0.14, 0.05), 0.3)])))
    assert plan.actions == ()
    assert plan.reason == NO_PAIR
