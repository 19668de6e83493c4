"""`heap`: when it ends, and its figures counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers_play import episode, record
from sklearn.metrics import average_precision_score

import selfgrasp as sg
from selfgrasp.core import Plan
from selfgrasp.core.action import Grasp
from selfgrasp.core.pose import top_down
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.protocols.heap import (
    AVERAGE_PRECISION,
    CLEARED,
    FAILURES,
    HEAP,
    average_precision,
    metrics,
    play,
    tries,
)
from selfgrasp.protocols.metric import SUCCESS
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Stop, Task


def test_ten_failures_in_a_row_end_a_heap():
    stop = Stop(failures=3)
    held, failed = record(True), record(False)
    assert not stop.reached([failed, failed], None)
    assert not stop.reached([failed, failed, held, failed, failed], None)
    assert stop.reached([held, failed, failed, failed], None)


def test_figures_by_hand():
    cleared = episode([record(True)] * 4 + [record(False)] + [record(True)], left=0, placed=5)
    given_up = episode([record(True), *[record(False)] * FAILURES], left=4, placed=5)
    said_no = episode([record(True), record(False)], left=4, placed=5)
    assert (tries(cleared), tries(given_up), tries(said_no)) == (6, 11, 11)
    found = metrics([cleared, given_up, said_no])
    assert found[SUCCESS].value == pytest.approx(7 / 28)
    assert found[CLEARED].value == pytest.approx(7 / 15)
    assert AVERAGE_PRECISION not in found


def test_average_precision_is_that_of_the_ranking():
    rng = np.random.default_rng(0)
    held, scores = rng.random(30) < 0.6, rng.random(30)
    attempts = [
        replace(record(bool(one)), score=float(score))
        for one, score in zip(held, scores, strict=True)
    ]
    wanted = average_precision_score(held, scores)
    assert average_precision(episode(attempts, left=0)) == pytest.approx(wanted)
    assert average_precision(episode([record(False)], left=0)) is None


class Nowhere:
    """Grasps where nothing is."""

    name, privileged = "nowhere", ()

    def plan(self, context):
        return Plan.only(Grasp(top_down((0.16, 0.16, 0.1), 0.0), 0.08), 0.5)


def test_a_policy_that_misses_is_stopped():
    assert isinstance(HEAP.config, TabletopConfig)
    config = replace(HEAP.config, count=3, picture_px=32, renderer="rays")
    with sg.tabletop(train_objects(5), config) as cell:
        played = play(cell.cell, Nowhere(), Task(3))
    assert len(played.attempts) == FAILURES
    assert played.left is not None
    assert len(played.left) == 3
