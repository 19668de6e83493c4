"""Registration on the bin's rim, against where the simulated camera truly is."""

from __future__ import annotations

import numpy as np

from selfgrasp.core import View
from selfgrasp.core.pose import inverse, pose
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.vision import Rim, corrected, world_correction
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig

RIM = Rim(half_size=0.18, thickness=0.02, height=0.05)
PLACES = np.array(
    [[x, y, z, 1.0] for x in (-0.12, 0.12) for y in (-0.12, 0.12) for z in (0.0, 0.05)]
).T


def misplaced(view: View, world_from_true_camera: np.ndarray) -> float:
    """m, root mean square by which places on the table are off."""
    off = (view.world_from_camera @ inverse(world_from_true_camera) @ PLACES - PLACES)[:3]
    return float(np.sqrt((off**2).sum(axis=0).mean()))


def test_the_first_look_at_a_scene_finds_where_the_camera_is_and_later_ones_keep_it():
    config = TabletopConfig(count=6)
    made, trusting = (
        tabletop(train_objects(12), c) for c in (config, TabletopConfig(count=6, registered=False))
    )
    camera = made.cell.drivers.cameras["overhead"]
    before, after = [], []
    for seed in range(8):
        nominal, first = trusting.cell.reset(seed), made.cell.reset(seed)
        assert nominal is not None
        assert first is not None
        true = camera._true  # type: ignore[attr-defined]
        before.append(misplaced(nominal.view(), true))
        after.append(misplaced(first.view(), true))
        later = made.cell.observe()
        assert later is not None
        np.testing.assert_array_equal(
            later.view().world_from_camera, first.view().world_from_camera
        )
    assert np.mean(before) > 0.003, "what a calibration is off by"
    assert max(after) < 0.0015


def test_a_known_displacement_is_undone():
    made = tabletop(train_objects(12), TabletopConfig(count=1, noise="none", registered=False))
    seen = made.cell.reset(1)
    assert seen is not None
    view, true = seen.view(), seen.view().world_from_camera
    shift = pose(translation=(0.004, -0.003, 0.002))
    moved = corrected(view, shift)
    correction = world_correction(moved, RIM)
    assert correction is not None
    assert misplaced(moved, true) > 0.005
    assert misplaced(corrected(moved, correction), true) < 0.001


def test_without_a_rim_or_without_depth_nothing_is_corrected():
    made = tabletop(train_objects(12), TabletopConfig(count=3, wall_height=0.0))
    seen = made.cell.reset(2)
    assert seen is not None
    assert made.cell.rim is None
    view = seen.view()
    assert world_correction(view, RIM) is None
    assert (
        world_correction(View(view.color, None, view.intrinsics, view.world_from_camera), RIM)
        is None
    )
