"""Depth pictures of objects on a table, on figures that are known."""

from __future__ import annotations

import numpy as np
import pytest

from selfgrasp.core.pose import looking_at, pose
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.objects.part import Part, Shape

INTRINSICS = np.array([[40.0, 0, 20], [0, 40.0, 20], [0, 0, 1]])
BOX = Part(Shape.BOX, np.array([0.05, 0.05, 0.15]), np.eye(4), np.full(3, 0.5))
STANDING = (BOX, pose(translation=(0.5, 0.0, 0.15)))


def test_a_box_and_its_table_from_above():
    camera = looking_at((0.5, 0.0, 1.0), (0.5, 0.0, 0.0))
    depth = depth_picture([STANDING], camera, INTRINSICS, (40, 40))
    # The top is 0.7 m below the camera and covers 0.1 / 0.7 x 40 px; all else is table.
    top = np.isclose(depth, 0.7, atol=1e-6)
    assert top.sum() == 6 * 6
    assert top[17:23, 17:23].all()
    assert depth[0, 0] == pytest.approx(1.0)


def test_what_rises_above_the_horizon_is_seen_and_the_sky_is_not():
    camera = looking_at((0.0, 0.0, 0.1), (1.0, 0.0, 0.1), up=(0.0, 0.0, 1.0))
    depth = depth_picture([STANDING], camera, INTRINSICS, (40, 40))
    # The front is 0.45 m away and rises to 0.3 m: 0.2 m above the camera, 17.8 px.
    assert depth[3:20, 20] == pytest.approx(0.45)
    assert np.isnan(depth[:2]).all()
    assert np.isnan(depth[:20, 0]).all()
    # The table, 0.1 m below the camera, half a pixel below the horizon and at the lower edge.
    assert depth[20, 0] == pytest.approx(0.1 * 40 / 0.5)
    assert depth[39, 0] == pytest.approx(0.1 * 40 / 19.5)
