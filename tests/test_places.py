"""Which object each pixel shows: as text and back, and as the simulator sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from selfgrasp.codec import EncodedAttempt
from selfgrasp.core import InputError
from selfgrasp.core.places import PLACES, Places
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.rollout.collect import make_session
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.places import shown
from selfgrasp.rollout.scene import SceneTask, play_scene
from selfgrasp.vision.project import world_points
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig


def test_runs_of_pixels_are_starts_and_lengths_along_rows() -> None:
    rows = np.array([[-1, 0, 0, 1], [1, -1, -1, -1], [0, -1, -1, 0]], np.int32)
    places = Places(("a mug", "bowl"), rows)
    assert places.to_text() == ('{"size":[3,4],"runs":{"a mug":[1,2,8,1,11,1],"bowl":[3,2]}}')
    again = Places.from_text(places.to_text())
    assert again.names == places.names
    np.testing.assert_array_equal(again.shown, rows)
    assert [again.at(np.array(px)) for px in ((3.5, 0.5), (0.9, 2.1), (1, 1), (9, 0))] == [
        "bowl",
        "a mug",
        "",
        "",
    ]
    assert again.of("bowl").sum() == 2


@pytest.mark.parametrize(
    "text", ["", "[]", '{"size":[3,4]}', '{"size":[3,4],"runs":{"a":[11,2]}}', '{"size":[0,4]}']
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--note-places"):
        Places.from_text(text)


OBJECTS = train_objects()[:4]
CONFIG = TabletopConfig(count=3, picture_px=64, noise="none")


def test_a_pixel_shows_the_object_whose_surface_it_sees() -> None:
    with tabletop(OBJECTS, CONFIG) as cell:
        observation = cell.reset(1)
        assert observation is not None
        points = world_points(observation.view())
        places = shown(cell)
        assert len(places.names) == 3
        for index, placed in enumerate(cell.world.placed):
            seen = points[places.shown == index]
            assert len(seen) > 10
            center = cell.world.object_pose(placed.slot)[:3, 3]
            reach = np.linalg.norm(
                placed.model.surface_points(400, np.random.default_rng(0)), axis=1
            ).max()
            # Edge pixels mix two surfaces.
            assert np.quantile(np.linalg.norm(seen - center, axis=1), 0.9) <= reach + 0.005


def test_places_are_noted_before_each_attempt_and_change_nothing() -> None:
    def played(note_places: bool) -> list[EncodedAttempt]:
        with tabletop(OBJECTS, CONFIG) as cell:
            task = SceneTask("s", 0, 0, attempts=3, note_places=note_places)
            return list(play_scene(cell, RandomPolicy(), task).attempts)

    plain, noted = played(False), played(True)
    assert [one.plain for one in plain] == [one.plain for one in noted]
    assert [[label.name for label in one.labels if label.name == PLACES] for one in plain] == [
        []
    ] * 3
    for one in noted:
        (label,) = [label for label in one.labels if label.name == PLACES]
        assert (label.attempt, label.view) == (one.id, "overhead")
        places = Places.from_text(str(label.value))
        assert set(places.names) <= {item.name for item in OBJECTS}


def test_a_session_says_that_places_were_noted() -> None:
    job = CollectJob(out=Path("data"), objects="blocks", cell="flat_table")
    assert "note_places" not in make_session(job).options
    assert make_session(replace(job, note_places=True)).options["note_places"] is True
