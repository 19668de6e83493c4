"""Stable poses: hand-worked, and against what settles in the simulator."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import selfgrasp as sg
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.objects.build import hull
from selfgrasp.objects.catalogue import objects_by_name
from selfgrasp.objects.model import ObjectModel, Part, Shape, assemble
from selfgrasp.objects.stable import StablePose, stable_poses
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.sim.scene import SimScene

DROPS = 30
CLASS = 0.0007
"""m: poses whose centers of mass lie nearer in height are one class."""
FLAT_FACED = ("box", "wedge", "prism", "l_block", "t_block", "arch", "tray", "brush")


def one(name: str, *parts: Part) -> ObjectModel:
    return ObjectModel(name, "test", None, assemble(parts), 0.1, 0.7)


def part(shape: Shape, *size: float) -> Part:
    return Part(shape, np.resize([*size, 0.0, 0.0], 3), np.eye(4), np.full(3, 0.5))


def test_a_box_lies_on_six_faces_by_their_solid_angles():
    box = one("box", part(Shape.BOX, 0.05, 0.03, 0.015))
    poses = stable_poses(box)
    assert [pose.height for pose in poses] == pytest.approx([0.015] * 2 + [0.03] * 2 + [0.05] * 2)
    # The solid angle of a face with half sides a, b at the distance h.
    sides = [(0.05, 0.03, 0.015), (0.05, 0.015, 0.03), (0.03, 0.015, 0.05)]
    angles = [4 * np.arctan(a * b / (h * np.sqrt(a * a + b * b + h * h))) for a, b, h in sides]
    shares = np.repeat(np.array(angles) / (4 * np.pi), 2)
    assert [pose.probability for pose in poses] == pytest.approx(shares, abs=1e-6)


def test_a_face_beside_which_the_center_of_mass_lies_is_left_for_another():
    # A cone stands on its base or lies; nothing stands on its tip.
    angles = 2 * np.pi * np.arange(16) / 16
    base = np.column_stack([0.02 * np.cos(angles), 0.02 * np.sin(angles), np.zeros(16)])
    cone = one("cone", hull(np.vstack([base, [[0.0, 0.0, 0.08]]]), np.full(3, 0.5)))
    poses = stable_poses(cone)
    for pose in poses:
        corners = apply(pose.table_from_object, cone.surface_points(500, np.random.default_rng(0)))
        assert corners[:, 2].min() == pytest.approx(0.0, abs=2e-3)
        assert corners[:, 2].min() > -1e-9
    assert sum(pose.probability for pose in poses) == pytest.approx(1.0)
    assert max(pose.height for pose in poses) == pytest.approx(0.02, abs=1e-6)


def test_a_ball_lies_anyhow():
    poses = stable_poses(one("ball", part(Shape.SPHERE, 0.02)))
    assert len(poses) > 100
    assert sum(pose.probability for pose in poses) == pytest.approx(1.0)
    assert [pose.height for pose in poses] == pytest.approx([0.02] * len(poses), rel=0.02)


@pytest.mark.slow
def test_flat_faced_objects_settle_as_often_as_they_should():
    objects = [item for item in objects_by_name("train", 90) if item.family in FLAT_FACED][:20]
    cell = sg.tabletop(objects, TabletopConfig(count=1, picture_px=32, renderer="rays"))
    scene = cell.cell.drivers.scene
    assert isinstance(scene, SimScene)
    rng = np.random.default_rng(0)
    within = []
    for item in objects:
        heights = []
        for _ in range(DROPS):
            scene.drop([item], rng)
            heights += [float(cell.world.object_pose(p.slot)[2, 3]) for p in cell.world.placed]
        within.append(_is_likely(stable_poses(item), np.array(heights), rng))
    assert np.mean(within) >= 0.9


def _is_likely(
    poses: tuple[StablePose, ...], heights: FloatArray, rng: np.random.Generator
) -> bool:
    """Whether drops by class of height differ no more from the poses than 97.5 % of draws do."""
    order = sorted(poses, key=lambda pose: pose.height)
    edges = [(a.height + b.height) / 2 for a, b in pairwise(order) if b.height - a.height > CLASS]
    shares = np.zeros(len(edges) + 1)
    for pose in order:
        shares[np.searchsorted(edges, pose.height)] += pose.probability
    drawn = np.bincount(np.searchsorted(edges, heights), minlength=len(shares)) / len(heights)
    chance = rng.multinomial(len(heights), shares, 2000) / len(heights)
    variation = np.abs(chance - shares).sum(axis=1)
    return bool(np.abs(drawn - shares).sum() <= np.quantile(variation, 0.975))
