"""VPG: what its networks learn, and how it plans."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from selfgrasp.core import (
    ANYTHING,
    Attempt,
    Context,
    Grasp,
    Hand,
    InputError,
    Observation,
    Outcome,
    Push,
    Step,
    View,
)
from selfgrasp.core.pose import top_down
from selfgrasp.learn import Examples
from selfgrasp.learn.source import MemorySource
from selfgrasp.methods import registry
from selfgrasp.methods.vpg.config import (
    Learning,
    Reward,
    VPGConfig,
    immediate,
    measured,
    paper,
    published,
    small,
)
from selfgrasp.methods.vpg.densenet import DenseNet
from selfgrasp.methods.vpg.examples import CHANGE_REWARD, gather
from selfgrasp.methods.vpg.method import VPG
from selfgrasp.methods.vpg.network import Networks
from selfgrasp.methods.vpg.targets import StateValues, target_of
from selfgrasp.rollout.collect import collect
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.workcell.cells.flat_table import FlatTableConfig, flat_table_spec

SPEC = flat_table_spec(FlatTableConfig(picture_px=120, renderer="rays"))
CAMERA = SPEC.cameras["static"]


def view_of(blocks: list[tuple[float, float]]) -> View:
    """The camera's view of cubes of 50 mm at places (x, y) m, by cast rays: a plane for the table,
    and for each cube its top."""
    rows, columns = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width] + 0.5
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    rays = pixels @ np.linalg.inv(CAMERA.intrinsics).T @ CAMERA.world_from_camera[:3, :3].T
    eye = CAMERA.world_from_camera[:3, 3]
    depth = -eye[2] / rays[..., 2]
    color = np.full((CAMERA.height, CAMERA.width, 3), 220, np.uint8)
    along = (0.05 - eye[2]) / rays[..., 2]
    on_top = eye[:2] + along[..., None] * rays[..., :2]
    for x, y in blocks:
        inside = (np.abs(on_top - (x, y)) < 0.025).all(axis=-1)
        depth = np.where(inside, along, depth)
        color[inside] = (200, 30, 30)
    return View(color, depth.astype(np.float32), CAMERA.intrinsics, CAMERA.world_from_camera)


def look(view: View) -> Observation:
    hand = Hand(top_down((0.0, 0.62, 0.45), 0.0), SPEC.gripper.opening, 0.0)
    return Observation(0.0, {"static": view}, hand)


def attempt(
    index: int, before: View, after: View, action: Grasp | Push, *, grasped: bool = False
) -> Attempt:
    hand = look(before).hand
    return Attempt(
        id=f"s-000001-{index:03d}",
        session="s",
        scene=1,
        index=index,
        round=0,
        goal=ANYTHING,
        state_group=f"s-000001-{index:03d}",
        policy="test",
        before=look(before),
        steps=(Step(None, action, action, hand, 0.0, 1.0),),
        outcome=Outcome(grasped, 0.05 if grasped else 0.0, 20.0, 0.1),
        after=look(after),
    )


GRASP = Grasp(top_down((0.0, 0.0, 0.025), 0.0), 0.065)
PUSH = Push(np.array([-0.08, 0.0, 0.008]), 0.0, 0.10)
THERE, MOVED, GONE = view_of([(0.0, 0.0)]), view_of([(0.06, 0.0)]), view_of([])
SCENE = [
    attempt(0, THERE, THERE, GRASP),
    attempt(1, THERE, MOVED, PUSH),
    attempt(2, MOVED, GONE, GRASP, grasped=True),
]


def examples(config: VPGConfig) -> Examples:
    source = MemorySource(SCENE, SPEC, shares=(1.0, 0.0, 0.0))
    return gather(source, "train", config)


def targets(config: VPGConfig) -> list[float]:
    method = registry.build("vpg", config=config)
    found = examples(config)
    batch = method.batch(found, np.arange(3), np.random.default_rng(0), augment=False)
    return target_of(batch, method.networks, StateValues(), config).tolist()  # type: ignore[attr-defined]


def test_rewards_come_from_fingers_and_height_maps() -> None:
    found = examples(small())
    assert found["kind"].tolist() == [0, 1, 0]
    assert found["grasped"].tolist() == [False, False, True]
    assert found["changed"].tolist() == [False, True, True]
    np.testing.assert_allclose(found["followed"], [small().discount, 1.0, np.nan])
    assert "next_color" not in found.columns


def test_nothing_is_collected_from_the_arrangements_of_the_benchmark(tmp_path: Path) -> None:
    job = CollectJob(
        out=tmp_path / "data",
        attempts=1,
        objects="blocks",
        cell="flat_table",
        options=FlatTableConfig(layout="cases"),
    )
    with pytest.raises(InputError, match="nothing may learn from"):
        collect(job)
    assert not job.out.exists()


def test_a_push_before_a_push_is_worth_less() -> None:
    again = attempt(2, MOVED, MOVED, PUSH)
    held = attempt(3, MOVED, GONE, GRASP, grasped=True)
    source = MemorySource([*SCENE[:2], again, held], SPEC, shares=(1.0, 0.0, 0.0))
    found = gather(source, "train", small())
    discount = np.float32(small().discount)
    np.testing.assert_allclose(found["followed"], [discount**2, discount, 1.0, np.nan])


def test_targets_of_every_way_to_learn() -> None:
    np.testing.assert_allclose(targets(small()), [0.0, 1.0, 1.0])
    np.testing.assert_allclose(targets(VPGConfig(learning=Learning.REACTIVE)), [0.0, 1.0, 1.0])
    trial = VPGConfig(learning=Learning.TRIAL, reward=Reward.CHANGE, discount=0.65)
    # What gained nothing is worth nothing, whatever comes next.
    np.testing.assert_allclose(targets(trial), [0.0, CHANGE_REWARD + 0.65, 1.0])


def test_with_a_discount_of_0_targets_are_rewards_and_no_next_state_is_kept() -> None:
    assert "next_height" not in examples(immediate()).columns
    np.testing.assert_allclose(targets(immediate()), [0.0, CHANGE_REWARD, 1.0])


def test_q_learning_adds_the_discounted_best_value_of_what_changed() -> None:
    config = published()
    method = registry.build("vpg", config=config)
    assert isinstance(method, VPG)
    batch = method.batch(examples(config), np.arange(3), np.random.default_rng(0), augment=False)
    with torch.no_grad():
        for tower in (method.networks.grasp, method.networks.push):
            tower.value.weight.zero_()
            tower.value.bias.fill_(0.4 if tower is method.networks.push else 0.3)
    values = target_of(batch, method.networks, StateValues(), config)
    # Nothing changed; pushed, and the best of what is left is a push; nothing is left.
    np.testing.assert_allclose(values, [0.0, CHANGE_REWARD + 0.5 * 0.4, 1.0], atol=1e-6)


def test_a_push_is_worth_by_how_much_the_best_value_rises() -> None:
    config = VPGConfig(reward=Reward.RISE)
    method = registry.build("vpg", config=config)
    assert isinstance(method, VPG)
    batch = method.batch(examples(config), np.arange(3), np.random.default_rng(0), augment=False)
    values, networks = StateValues(), method.networks
    wanted = torch.tensor([False, True, False])
    with torch.no_grad():
        after = values.of(batch, wanted, networks, config)
        before = values.of(batch, wanted, networks, config, state="now")
    rise = max(0.0, float(after[1] - before[1]))
    found = target_of(batch, networks, values, config)
    np.testing.assert_allclose(found, [0.0, rise, 1.0], atol=1e-6)


def test_values_of_next_states_are_kept_until_the_networks_change() -> None:
    config = published()
    method = registry.build("vpg", config=config)
    batch = method.batch(examples(config), np.arange(3), np.random.default_rng(0), augment=False)
    networks = Networks(config, 6)
    wanted, values = torch.tensor([False, True, False]), StateValues()
    first = values.of(batch, wanted, networks, config)
    with torch.no_grad():
        networks.grasp.value.bias.add_(1.0)
        networks.push.value.bias.add_(1.0)
    assert torch.equal(values.of(batch, wanted, networks, config), first)
    values.clear()
    assert values.of(batch, wanted, networks, config)[1] > first[1]


def test_where_nothing_was_measured_pushes_learn_nothing() -> None:
    assert np.isnan(examples(measured())["measured"]).all()
    labels = {"truth.held_after": {SCENE[1].id: True}}
    source = MemorySource(SCENE, SPEC, labels, shares=(1.0, 0.0, 0.0))
    assert gather(source, "train", measured())["measured"].tolist()[1] == 1.0


def test_a_training_that_goes_on_begins_with_targets_of_what_it_goes_on_from() -> None:
    method = registry.build("vpg:published")
    assert isinstance(method, VPG)
    with torch.no_grad():
        method.networks.grasp.value.bias.add_(1.0)
    theirs = method.target.network.state_dict()
    assert not torch.equal(theirs["grasp.value.bias"], method.networks.grasp.value.bias)
    method.after_step(1)
    assert torch.equal(theirs["grasp.value.bias"], method.networks.grasp.value.bias)


def test_only_what_was_measured_is_privileged() -> None:
    assert registry.build("vpg").privileged == ()
    assert registry.build("vpg:measured").privileged == ("truth.held_after",)


def test_a_plan_names_grasps_and_pushes_and_avoids_what_was_missed() -> None:
    method = registry.build("vpg")
    context = Context(look(THERE), SPEC)
    plan = method.plan(context)
    kinds = {type(action) for action in plan.actions}
    assert kinds == {Grasp, Push}
    assert set(plan.maps) == {"grasp", "push"}
    assert plan.maps["push"].values.shape[0] == plan.maps["grasp"].values.shape[0] == 16
    grasping = registry.build("vpg:grasping")
    best = grasping.plan(context).action
    assert isinstance(best, Grasp)
    other = grasping.plan(replace(context, misses=(best.world_from_tool,))).action
    assert isinstance(other, Grasp)
    assert not np.allclose(other.world_from_tool, best.world_from_tool)


def test_an_empty_table_is_said() -> None:
    plan = registry.build("vpg").plan(Context(look(GONE), SPEC))
    assert plan.action is None
    assert "nothing stands" in plan.reason


def test_exploring_draws_both_kinds() -> None:
    method = registry.build("vpg", config=replace(small(), epsilon=1.0))
    explore = method.variants()["explore"]
    drawn = [explore.plan(Context(look(THERE), SPEC, seed=seed)).action for seed in range(20)]
    assert {type(action) for action in drawn} == {Grasp, Push}
    greedy = registry.build("vpg", config=replace(small(), epsilon=0.0))
    chosen = greedy.variants()["explore"].plan(Context(look(THERE), SPEC)).action
    same = greedy.plan(Context(look(THERE), SPEC)).action
    assert type(chosen) is type(same)


def test_learning_on_changes_a_copy_and_forgets_it_with_the_next_scene() -> None:
    method = registry.build("vpg")
    policy = method.variants()["learn"]
    first = Context(look(THERE), SPEC)
    before = policy.plan(first)
    action = before.action
    assert action is not None
    miss = action.world_from_tool if isinstance(action, Grasp) else None
    later = replace(
        first,
        observation=replace(look(MOVED), time=1.0),
        misses=() if miss is None else (miss,),
        pushes=int(miss is None),
    )
    after = policy.plan(later)
    plain = method.plan(later)
    assert not np.array_equal(after.scores, plain.scores)
    np.testing.assert_allclose(after.scores, plain.scores, atol=1e-2)
    # Asked of the same look again, as while pushes are measured: nothing was done.
    np.testing.assert_array_equal(policy.plan(later).scores, after.scores)
    assert policy.plan(replace(later, observation=replace(look(GONE), time=2.0))).action is None
    again = policy.plan(first)
    np.testing.assert_array_equal(again.scores, before.scores)


def test_a_config_needs_colors_or_heights_and_directions() -> None:
    with pytest.raises(InputError, match="neither color nor height"):
        VPGConfig(color=False, height=False)
    with pytest.raises(InputError, match="push_turns = 0"):
        VPGConfig(push_turns=0)


def test_the_published_networks_take_torchvisions_layers(tmp_path: Path) -> None:
    layers = DenseNet().state_dict()
    assert sum(value.numel() for value in layers.values()) == 6_953_856
    older = {re.sub(r"(norm|conv)(\d)\.", r"\1.\2.", name): value for name, value in layers.items()}
    torch.save({**older, "classifier.bias": torch.zeros(1000)}, tmp_path / "densenet121.pth")
    method = registry.build("vpg:paper")
    assert isinstance(method, VPG)
    method.load_trunk(tmp_path / "densenet121.pth")
    loaded = method.networks.push.heights.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(loaded[name], value) for name, value in layers.items())
    layers.pop("features.conv0.weight")
    torch.save(layers, tmp_path / "less.pth")
    with pytest.raises(InputError, match="which lacks 1 of"):
        method.load_trunk(tmp_path / "less.pth")
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    with pytest.raises(InputError, match="wanted: a file of torchvision's densenet121 that can be"):
        method.load_trunk(tmp_path / "broken.pth")
    with pytest.raises(InputError, match="vpg:paper"):
        registry.build("vpg").load_trunk(tmp_path / "densenet121.pth")


def test_the_published_networks_give_a_value_for_each_pixel() -> None:
    config = paper()
    tower = Networks(config, 0).grasp.eval()
    with torch.inference_mode():
        features = tower.features(torch.zeros(1, 4, config.patch + 1, config.patch + 2))
    assert features.shape == (1, 2048, 2, 3)
