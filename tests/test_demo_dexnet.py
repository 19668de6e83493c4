"""`selfgrasp demo dexnet`: its page, and that what it draws lies where the geometry says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
import trimesh
from vision_scenes import GRIPPER, Box, camera, context, render

from selfgrasp.core import InputError
from selfgrasp.core.pose import apply, inverse
from selfgrasp.methods import registry
from selfgrasp.methods.dexnet.config import DexNetConfig
from selfgrasp.objects.catalogue import test_objects as novel_objects
from selfgrasp.objects.lying import Lying
from selfgrasp.objects.stable import stable_poses
from selfgrasp.papers.dexnet import demo, demo_object, demo_run
from selfgrasp.papers.dexnet.demo_crops import spread_over
from selfgrasp.papers.dexnet.demo_heat import heat_of
from selfgrasp.papers.dexnet.demo_object import around, choose_object
from selfgrasp.vision.project import project_world
from selfgrasp.viz.contact_lines import is_seen


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo of a network that has learned nothing, and with few pictures."""
    monkeypatch.setattr(demo_run, "load_policy", registry.build)
    monkeypatch.setattr(demo_object, "_FRAMES", 3)
    monkeypatch.setattr(demo_object, "_LOOKED_AT", 2)


@pytest.mark.usefixtures("untrained")
def test_the_page_shows_object_crops_heat_and_film(tmp_path, capsys):
    args = demo.Args(out=tmp_path, attempts=2, options={"count": 3})
    assert demo.run(args) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert re.match(r"[012] of [12] grasps held, [0-2] of 3 objects lifted; .*report: ", said)
    page = (tmp_path / "report.html").read_text()
    assert page.count('alt="crop of grasp ') == 8
    assert page.count("data:image/webp") == 8 + 2 + 3 + 1
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {"object.webp", "heap.webp"}


@pytest.mark.usefixtures("untrained")
def test_a_folder_of_things_too_large_is_told_in_one_line(tmp_path):
    folder = tmp_path / "large"
    folder.mkdir()
    trimesh.creation.box((0.15, 0.16, 0.17)).export(folder / "crate.stl")
    with pytest.raises(InputError, match=r"1 objects of .*large, none .* narrower than 85 mm"):
        demo.run(demo.Args(objects=folder, out=tmp_path / "run"))
    assert not (tmp_path / "run" / "report.html").exists()


def test_contacts_lie_on_the_object_and_on_its_picture():
    one = choose_object(novel_objects(6), GRIPPER, np.random.default_rng(1), name="novel")
    middle = one.contacts.mean(axis=1)
    np.testing.assert_allclose(middle, one.grasps.centers, atol=1e-9)
    apart = one.contacts[:, 1] - one.contacts[:, 0]
    np.testing.assert_allclose(np.abs(np.cross(apart, one.grasps.axes)), 0.0, atol=1e-9)
    view = next(around(one.lying, GRIPPER))
    shown = one.contacts[is_seen(view, one.contacts)]
    assert len(shown) > 3
    column, row = np.floor(project_world(shown, view)).astype(int).T
    depth = apply(inverse(view.world_from_camera), shown)[:, 2]
    # What is seen is the contact itself; at an outline the pixel may show what is behind.
    assert np.mean(np.abs(view.depth[row, column] - depth) < 0.003) > 0.6


def test_the_object_turns_once_about_and_stands_still():
    item = novel_objects(3)[1]
    views = list(around(Lying(item, stable_poses(item)[0].table_from_object), GRIPPER))
    eyes = np.array([view.world_from_camera[:3, 3] for view in views])
    angles = np.unwrap(np.arctan2(eyes[:, 1], eyes[:, 0]))
    steps = np.diff(angles)
    np.testing.assert_allclose(steps, 2 * np.pi / len(views), atol=1e-9)
    assert np.ptp(eyes[:, 2]) < 1e-9
    # Upright: the world's z points up in every picture.
    assert all(view.world_from_camera[2, 1] < -0.5 for view in views)


def test_a_point_is_seen_where_nothing_hides_it():
    view = render([Box((0.0, 0.0), (0.04, 0.04, 0.05), 0.0)], world_from_camera=camera(0.0))
    above, inside, aside = (0.0, 0.0, 0.05), (0.0, 0.0, 0.02), (0.1, 0.0, 0.0)
    outside = (2.0, 0.0, 0.0)
    seen = is_seen(view, np.array([[above, inside], [aside, outside]]))
    assert seen.tolist() == [[True, False], [True, False]]


def test_grasps_are_spread_over_the_order_of_their_quality():
    quality = np.array([0.3, 0.0, 0.5, 0.1, 0.9])
    assert quality[spread_over(quality, 3)].tolist() == [0.0, 0.3, 0.9]
    assert sorted(spread_over(quality, 10).tolist()) == list(range(5))


@dataclass
class Westward:
    """Likes what lies at a small x and is grasped along y; in place of a network."""

    config: DexNetConfig = field(default_factory=DexNetConfig)

    def score(self, _, grasps):
        tools = np.array([grasp.world_from_tool for grasp in grasps])
        return 0.5 - tools[:, 0, 3] - 0.1 * np.abs(tools[:, 0, 0])


def test_heat_lies_where_the_network_was_asked():
    box = Box((0.06, -0.04), (0.05, 0.03, 0.05), 0.0)
    heat = heat_of(Westward(), context(render([box], world_from_camera=camera(15.0))))
    layer, row, column = np.unravel_index(np.nanargmax(heat.values), heat.values.shape)
    best = apply(heat.world_from_map, np.array([*(np.array([column, row]) + 0.5), 0]) * heat.pixel)
    assert heat.angles[layer] == pytest.approx(np.pi / 2)
    assert best[0] == pytest.approx(0.035, abs=0.008)
    assert abs(best[1] + 0.04) < 0.023
    asked = np.isfinite(heat.values[0])
    assert asked.sum() * heat.pixel**2 == pytest.approx(0.05 * 0.03, rel=0.45)
