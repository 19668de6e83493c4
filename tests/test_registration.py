"""Registration: patches by hand, closest points on known moves, known objects found where they lie,
and the policy's promises."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vision_scenes import GRIPPER, WORKSPACE, Box, camera, context, render, without_depth

from selfgrasp.contracts.methods import POLICY_CONTRACTS
from selfgrasp.core import InputError, Policy, View
from selfgrasp.core.pose import angle_between_grasps, apply, pose, rotation_about_z, yaw_of
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.objects.model import ObjectModel, Part, Shape, assemble
from selfgrasp.objects.stable import stable_poses
from selfgrasp.rollout.policies import load_policy, resolve
from selfgrasp.rollout.registration import kept, policy
from selfgrasp.rollout.registration.known import KnownConfig, joined, poses_of
from selfgrasp.rollout.registration.patches import (
    CELL,
    SIDE,
    as_map,
    coarse,
    differences,
    known_patch,
    middle_of,
    seen_patches,
)
from selfgrasp.rollout.registration.policy import (
    NO_GRASP,
    RegistrationConfig,
    RegistrationPolicy,
    fingers_free,
    largest,
)
from selfgrasp.rollout.registration.registered import (
    RegisterConfig,
    closest_points,
    nearest,
    register,
)
from selfgrasp.vision import heightmap
from selfgrasp.vision.scene_map import scene_map

FEW = KnownConfig(poses=3, tried=40, grasps=8, points=800)
POLICY = RegistrationPolicy(RegistrationConfig(shapes=6, known=FEW))
"""Knows a box, a cylinder, a capsule, an egg, a superquadric and a blob."""


def thing(*parts: Part) -> ObjectModel:
    return ObjectModel("thing", "test", None, assemble(parts), 0.1, 0.7)


def part(shape: Shape, *size: float, at: tuple[float, float, float] = (0, 0, 0)) -> Part:
    return Part(shape, np.resize([*size, 0.0, 0.0], 3), pose(translation=at), np.full(3, 0.5))


BOX = thing(part(Shape.BOX, 0.02, 0.03, 0.01))
L_BLOCK = thing(
    part(Shape.BOX, 0.05, 0.01, 0.015), part(Shape.BOX, 0.01, 0.02, 0.015, at=(0.04, 0.03, 0))
)
LYING = pose(translation=(0, 0, 0.015))


def seen(item: ObjectModel, table_from_object: np.ndarray, tilt: float = 15.0) -> View:
    """A picture of one object on the table."""
    placed = camera(tilt)
    parts = [(part, table_from_object) for part in item.parts]
    focal = 320.0
    intrinsics = np.array([[focal, 0, 100], [0, focal, 100], [0, 0, 1.0]])
    depth = depth_picture(parts, placed, intrinsics, (200, 200))
    return View(np.zeros((200, 200, 3), np.uint8), depth, intrinsics, placed)


def moved(x: float, y: float, yaw: float) -> np.ndarray:
    return pose(rotation=rotation_about_z(yaw), translation=(x, y, 0))


class TestPatches:
    def test_a_box_covers_its_own_area_at_its_own_height(self) -> None:
        patch = known_patch(BOX, pose(translation=(0, 0, 0.01)), np.zeros(2))
        assert patch.max() == pytest.approx(0.02, abs=1e-4)
        assert (patch > 0.01).sum() * CELL**2 == pytest.approx(0.04 * 0.06, rel=0.1)
        assert patch.min() == pytest.approx(0, abs=1e-4)

    def test_rows_run_along_y_and_columns_along_x(self) -> None:
        patch = known_patch(BOX, pose(translation=(0.03, -0.06, 0.01)), np.zeros(2))
        assert middle_of(patch) == pytest.approx([0.03, -0.06], abs=CELL / 2)
        rows, columns = np.nonzero(patch > 0.01)
        assert rows.mean() < SIDE / 2 < columns.mean()

    def test_a_thing_turned_is_its_patch_turned(self) -> None:
        straight = known_patch(L_BLOCK, LYING, np.zeros(2))
        turned = known_patch(L_BLOCK, moved(0, 0, 0.7) @ LYING, np.zeros(2))
        looks = coarse(seen_patches(as_map(turned), np.zeros(2), np.array([0.7, -0.7])))
        right, wrong = differences(coarse(straight[None])[0], looks, 0.02)
        assert right < 0.003 < 0.006 < wrong

    def test_differences_are_means_over_what_rises_in_either(self) -> None:
        one, other = np.zeros((2, 4), np.float32)
        one[0], other[0], other[1] = 0.03, 0.02, 0.09
        found = differences(one, np.stack([one, other]), 0.05)
        assert found == pytest.approx([0.0, (0.01 + 0.05) / 2])


class TestKnown:
    @pytest.mark.parametrize(
        ("item", "looks"),
        [
            (BOX, 3),
            (thing(part(Shape.CYLINDER, 0.02, 0.04)), 2),
            (thing(part(Shape.CAPSULE, 0.02, 0.03)), 1),
            (thing(part(Shape.SPHERE, 0.025)), 1),
        ],
        ids=["box", "cylinder", "capsule", "ball"],
    )
    def test_poses_that_look_alike_are_one(self, item: ObjectModel, looks: int) -> None:
        known = poses_of(item, GRIPPER, replace(FEW, poses=8))
        assert len(known) == looks < len(stable_poses(item))

    def test_the_best_grasp_of_a_box_is_across_two_faces_near_its_middle(self) -> None:
        known = poses_of(BOX, GRIPPER, FEW)
        for index in range(len(known)):
            x, y, z, _, opening = known.grasps[index, 0]
            assert math.hypot(x, y) < 0.015
            assert 0 < z < known.points[index, :, 2].max()
            assert 0.02 < opening <= GRIPPER.opening
            ranked = known.quality[index][np.isfinite(known.quality[index])]
            assert (np.diff(ranked) <= 0).all()
            assert ranked[0] > 0.002

    def test_what_is_wider_than_the_gripper_is_not_known(self) -> None:
        assert len(poses_of(thing(part(Shape.BOX, 0.07, 0.08, 0.06)), GRIPPER, FEW)) == 0

    def test_what_is_known_of_an_object_does_not_depend_on_others(self) -> None:
        both = joined([poses_of(L_BLOCK, GRIPPER, FEW), poses_of(BOX, GRIPPER, FEW)])
        again = poses_of(BOX, GRIPPER, FEW)
        for name, values in vars(again).items():
            assert np.array_equal(getattr(both, name)[-len(again) :], values)


class TestClosestPoints:
    @pytest.mark.parametrize(
        ("x", "y", "yaw"), [(0.008, -0.006, 0.15), (-0.01, 0, 0), (0, 0, -0.2)]
    )
    def test_a_known_move_is_found(self, x: float, y: float, yaw: float) -> None:
        points = apply(LYING, L_BLOCK.surface_points(3000, np.random.default_rng(0)))
        there = moved(0.1 + x, 0.05 + y, 1.0 + yaw)
        cloud = apply(there, points[points[:, 2] > 0.004])
        found = closest_points(points, cloud, moved(0.1, 0.05, 1.0), RegisterConfig(steps=60))
        assert found == pytest.approx(there, abs=1e-3)

    def test_nothing_near_leaves_it_where_it_was(self) -> None:
        began = moved(0.1, 0, 0.3)
        cloud = np.full((9, 3), 0.5)
        assert np.array_equal(
            closest_points(np.zeros((5, 3)), cloud, began, RegisterConfig()), began
        )


def test_known_objects_are_found_in_the_pose_and_place_in_which_they_lie() -> None:
    items = (L_BLOCK, BOX, *train_objects(4)[1:])
    known = [poses_of(item, GRIPPER, FEW) for item in items]
    every = joined(known)
    for item, x, y, yaw in zip(
        items, (0.0, 0.06, -0.05) * 2, (0.04, -0.06) * 3, range(5), strict=False
    ):
        lies = moved(x, y, yaw) @ stable_poses(item)[0].table_from_object
        view = seen(item, lies)
        found = largest(scene_map(context(view), view=None, pixel=0.0025), 0.0)
        best = register(every, found.above_table, found.middle, found.cloud, RegisterConfig())[0]
        own = np.cumsum([0, *map(len, known)])
        assert own[items.index(item)] <= best.index < own[items.index(item) + 1], item.name
        assert best.residual < 0.004
        world = apply(best.table_from_known, every.points[best.index])
        true = apply(lies, item.surface_points(800, np.random.default_rng(1)))
        apart = np.linalg.norm(world[:, None] - true, axis=-1).min(axis=1)
        assert apart.mean() < 0.004


def test_a_thing_seen_in_part_is_laid_where_the_rest_of_it_is() -> None:
    known = poses_of(L_BLOCK, GRIPPER, replace(FEW, poses=1))
    lies = moved(0.03, 0.02, 0.8) @ stable_poses(L_BLOCK)[0].table_from_object
    above = largest(scene_map(context(seen(L_BLOCK, lies)), view=None, pixel=0.0025), 0.0)
    rows, columns = np.nonzero(above.above_table.height)
    seen_part = rows > np.percentile(rows, 35)
    hidden = above.above_table.height.copy()
    hidden[rows[~seen_part], columns[~seen_part]] = 0.0
    cells = np.column_stack([columns, rows])[seen_part].mean(axis=0) + 0.5
    middle, cut = above.above_table.world_xy(cells), replace(above.above_table, height=hidden)
    assert np.linalg.norm(middle - above.middle) > 0.008
    true = apply(lies, L_BLOCK.surface_points(800, np.random.default_rng(1)))
    off = []
    for shifts in (2, 0):
        ((_, began),) = nearest(known, cut, middle, RegisterConfig(shifts=shifts))
        points = apply(began, known.points[0])
        off.append(np.linalg.norm(points[:, None] - true, axis=-1).min(axis=1).mean())
    assert off[0] < 0.005 < off[1]


class TestPolicy:
    def test_it_is_named_and_reads_nothing_privileged(self) -> None:
        assert isinstance(POLICY, Policy)
        assert resolve("registration").privileged == ()
        assert load_policy("registration").name == "registration"

    @pytest.mark.parametrize("contract", POLICY_CONTRACTS, ids=lambda c: c.__name__)
    def test_contract(self, contract) -> None:
        contract(POLICY)

    def test_the_known_grasp_is_done_where_the_object_lies(self) -> None:
        item = train_objects(1)[0]
        lies = stable_poses(item)[0].table_from_object
        plan = POLICY.plan(context(seen(item, moved(0.05, -0.03, 0.6) @ lies)))
        other = POLICY.plan(context(seen(item, moved(-0.06, 0.04, 1.9) @ lies)))
        assert plan.score == other.score > 0.002
        turn = angle_between_grasps(
            yaw_of(plan.action.world_from_tool) + 1.3, yaw_of(other.action.world_from_tool)
        )
        # A box that is turned by half a turn is the same picture.
        assert math.degrees(turn) < 4
        for done, middle in ((plan, (0.05, -0.03)), (other, (-0.06, 0.04))):
            assert np.linalg.norm(done.action.world_from_tool[:2, 3] - middle) < 0.02

    @pytest.mark.parametrize(
        ("view", "reason"),
        [
            (render([]), "nothing rises above the table in the workspace"),
            (without_depth(render([])), "the view has no depth"),
        ],
        ids=["empty", "monocular"],
    )
    def test_where_there_is_nothing_to_grasp_it_says_why(self, view: View, reason: str) -> None:
        plan = POLICY.plan(context(view))
        assert plan.actions == ()
        assert plan.reason == reason

    def test_it_refuses_where_no_grasp_lies_in_the_workspace(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = POLICY.prepare(GRIPPER)
        far = replace(known, grasps=known.grasps + np.eye(5)[0])
        monkeypatch.setattr(policy, "known_poses", lambda *_: far)
        plan = POLICY.plan(context(render([Box((0, 0), (0.03, 0.06, 0.05))])))
        assert plan.actions == ()
        assert plan.reason == NO_GRASP

    def test_grasps_that_would_come_down_on_a_neighbour_are_last(self) -> None:
        box = Box((0, 0), (0.03, 0.08, 0.05), 0.0)
        beside = Box((0.06, 0), (0.05, 0.12, 0.045), 0.0)
        free = POLICY.plan(context(render([box])))
        blocked = POLICY.plan(context(render([replace(box, size=(0.03, 0.14, 0.05)), beside])))
        assert (free.scores > -0.1).any()
        assert (np.diff(blocked.scores) <= 0).all()
        assert (blocked.scores < -0.5).any()


def test_a_finger_is_free_where_nothing_seen_is_above_its_tip() -> None:
    top = heightmap(render([Box((0, 0), (0.03, 0.06, 0.05), 0.0)]), WORKSPACE)
    at, yaw = np.zeros((4, 2)), np.array([0.0, 0.0, math.pi / 2, math.pi / 2])
    z, opening = np.array([0.02, 0.02, 0.02, 0.055]), np.array([0.05, 0.02, 0.05, 0.05])
    # Across, open wide; across, too narrow; along, onto the box; along, above it.
    free = fingers_free(top, at, yaw, z, opening, GRIPPER)
    assert free.tolist() == [True, False, False, True]


class TestKept:
    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        kept.known_poses.cache_clear()
        return tmp_path / "selfgrasp" / "known"

    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Names of the objects that were made anew."""
        names: list[str] = []

        def counted(item, gripper, config):
            names.append(item.name)
            return poses_of(item, gripper, config)

        monkeypatch.setattr(kept, "poses_of", counted)
        return names

    def known(self, shapes: int):
        kept.known_poses.cache_clear()
        return kept.known_poses(("train",), shapes, GRIPPER, FEW)

    def test_only_what_is_new_is_made(self, made: list[str]) -> None:
        two = self.known(2)
        assert sorted(made) == ["box-0000", "cylinder-0001"]
        three = self.known(3)
        assert made[2:] == ["capsule-0002"]
        for name, values in vars(two).items():
            assert np.array_equal(values, getattr(three, name)[: len(two)])

    def test_a_stronger_hand_of_the_same_size_knows_the_same(self, made: list[str]) -> None:
        self.known(1)
        kept.known_poses(("train",), 1, replace(GRIPPER, max_force=90.0), FEW)
        assert made == ["box-0000"]

    def test_what_is_damaged_is_made_again(self, made: list[str], own_cache: Path) -> None:
        before = self.known(1)
        (file,) = own_cache.glob("*.npz")
        file.write_bytes(file.read_bytes()[:-200])
        after = self.known(1)
        assert made == ["box-0000"] * 2
        assert all(np.array_equal(v, getattr(after, name)) for name, v in vars(before).items())

    def test_objects_of_which_none_can_be_grasped_are_refused(self) -> None:
        narrow = replace(GRIPPER, opening=0.003)
        with pytest.raises(
            InputError, match=r"2 objects of train without a grasp.*narrower than 3 mm"
        ):
            kept.known_poses(("train",), 2, narrow, FEW)
