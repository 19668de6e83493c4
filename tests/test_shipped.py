"""The shipped weights, played: a change of geometry, rendering or heights that they were not
trained for shows here as a fall to the heuristic's level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from selfgrasp.contracts.scenes import box_context
from selfgrasp.core import Context
from selfgrasp.learn import Method
from selfgrasp.methods.registry import shipped
from selfgrasp.objects.named import objects_named
from selfgrasp.protocols import category, clear
from selfgrasp.protocols.category import CATEGORY
from selfgrasp.protocols.clear import CLEAR, interactions
from selfgrasp.rollout.policies import load_policy, resolve
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import kuka_bin, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Stop, Task, play

SCENES = tuple(range(2_000_000, 2_000_010))
"""Of neither the benchmark nor validation."""


@pytest.fixture(scope="module")
def played() -> dict[str, np.ndarray]:
    """Interactions to clear, by policy, on the same ten scenes."""
    cell = tabletop(objects_named("mixed"), CLEAR.config)
    with cell.cell:
        policies = {name: load_policy(name, cell) for name in ("supersizing", "heuristic")}
        return {
            name: np.array(
                [interactions(clear.play(cell.cell, policy, Task(seed))) for seed in SCENES]
            )
            for name, policy in policies.items()
        }


def test_weights_are_there_and_small():
    assert {"dexnet", "grasp2vec", "hand_eye", "semantic", "supersizing", "vpg"} <= set(shipped())
    for name in shipped():
        path = resolve(name).file
        assert path is not None
        assert path.stat().st_size < 5e6


@pytest.mark.timeout(400)
def test_shipped_weights_stay_above_the_heuristic(played):
    assert played["supersizing"].mean() < played["heuristic"].mean(), played


@pytest.mark.parametrize("name", ["dexnet", "supersizing"])
def test_shipped_weights_plan_at_once(name: str):
    cell = tabletop(objects_named("test"), TabletopConfig(count=5))
    with cell.cell as workcell:
        seen = workcell.reset(3)
        plan = load_policy(name).plan(Context(seen, workcell.spec))
    assert plan.calibrated
    assert plan.score > 0.5


def test_shipped_weights_of_analytic_labels_hold_what_they_grasp():
    """It has never been told whether anything held."""
    policy = load_policy("dexnet")
    with tabletop(objects_named("validation"), TabletopConfig(count=1, picture_px=96)) as cell:
        held = []
        for scene in range(12):
            cell.reset(scene)
            held.append(cell.attempt(policy).outcome.grasped)
    assert sum(held) >= 10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("name", ["dexnet", "hand_eye", "semantic", "supersizing"])
def test_shipped_weights_plan_on_a_gpu_as_on_a_cpu(name: str):
    method = load_policy(name)
    assert isinstance(method, Method)
    here = method.plan(box_context())
    there = method.to("cuda").plan(box_context())
    assert there.score == pytest.approx(here.score, abs=0.05)


@pytest.mark.timeout(400)
def test_shipped_weights_servo_better_than_chance():
    made = kuka_bin(objects_named("mixed"), KukaBinConfig(count=15, picture_px=128))
    with made.cell:
        held = {
            name: sum(
                sum(
                    play(
                        made.cell,
                        load_policy(name, made),
                        Task(seed),
                        ids=Ids("shipped", seed, 0),
                        stop=Stop(most=8),
                    ).outcomes
                )
                for seed in SCENES[:4]
            )
            for name in ("hand_eye", "random_servo")
        }
    assert held["hand_eye"] >= 16 > 2 * held["random_servo"], held


@pytest.mark.timeout(400)
def test_shipped_weights_fetch_what_they_are_asked_for():
    made = kuka_bin(
        objects_named("categories-validation"),
        replace(CATEGORY.config, depth=False, picture_px=224),
    )
    with made.cell:
        semantic = load_policy("semantic")
        episodes = [category.play(made.cell, semantic, Task(seed)) for seed in SCENES[:4]]
    # One thing in five would be right by chance.
    assert sum(map(category.right, episodes)) >= 10
