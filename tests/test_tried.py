"""Physical tries as candidates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_session

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.contracts.scenes import box_attempts, box_spec
from selfgrasp.core import Attempt, Candidates, Fault, Grasp
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.rollout.tried import LABELS, tried_as_candidates


def stored(path: Path, attempts: list[Attempt], surface: float = 0.0) -> list[Attempt]:
    """A dataset of these attempts, on a table of that height in the world."""
    spec = box_spec()
    session = make_session(spec=replace(spec, workspace=replace(spec.workspace, surface=surface)))
    mine = [replace(one, session=session_key(session)) for one in attempts]
    with DatasetWriter.create_or_open(path, session) as writer:
        writer.append([encode_attempt(one, ()) for one in mine])
    return mine


def read(path: Path) -> Candidates:
    with Dataset.open(path) as data:
        table = data.candidates()
        return table.read(np.arange(len(table)), {name: table.label(name) for name in LABELS})


def test_every_grasp_is_a_candidate_with_its_outcome_in_its_own_picture(tmp_path: Path):
    attempts = stored(tmp_path / "tries", box_attempts(3, grasps=4, pushes=1))
    grasps = [one for one in attempts if isinstance(one.steps[0].action, Grasp)]
    assert tried_as_candidates(tmp_path / "tries", tmp_path / "tried") == len(grasps) == 12
    found = read(tmp_path / "tried")
    held = [one.outcome.grasped for one in grasps]
    assert 0 < sum(held) < 12
    np.testing.assert_array_equal(found.labels["held"], held)
    blocked = [one.outcome.fault is Fault.BLOCKED for one in grasps]
    np.testing.assert_array_equal(found.labels["free"], ~np.array(blocked))
    for index, one in enumerate(grasps):
        assert one.before is not None
        seen = found.depth[found.view[index]]
        np.testing.assert_allclose(seen, one.before.view().depth, atol=2e-4)
        tool = one.steps[0].action.world_from_tool
        np.testing.assert_allclose(found.world_from_tool[index], tool, atol=1e-6)
    # Once more adds nothing.
    assert tried_as_candidates(tmp_path / "tries", tmp_path / "tried") == 12
    assert len(read(tmp_path / "tried")) == 12


def test_heights_are_above_the_table_wherever_that_is(tmp_path: Path):
    attempts = box_attempts(2, grasps=2)
    stored(tmp_path / "low", attempts)
    stored(tmp_path / "high", attempts, surface=-0.1)
    tried_as_candidates(tmp_path / "low", tmp_path / "a")
    tried_as_candidates(tmp_path / "high", tmp_path / "b")
    low, high = read(tmp_path / "a"), read(tmp_path / "b")
    for name in ("world_from_tool", "world_from_camera"):
        raised = getattr(high, name) - getattr(low, name)
        assert raised[:, 2, 3] == pytest.approx(0.1, abs=1e-6)
        raised[:, 2, 3] = 0.0
        assert np.abs(raised).max() < 1e-6
