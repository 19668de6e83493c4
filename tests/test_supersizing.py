"""Supersizing: dense equals patch by patch, augmentation keeps labels, and both networks learn
where boxes can be grasped."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from selfgrasp.contracts.methods import CONTRACTS
from selfgrasp.contracts.scenes import (
    box_attempts,
    box_context,
    box_outcome,
    box_scene,
    box_source,
    box_spec,
    box_view,
    observation,
)
from selfgrasp.core import Context, Fault, Grasp, InputError, Outcome, Push
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.learn import Examples, FitConfig, MemorySource, fit
from selfgrasp.methods import registry
from selfgrasp.methods.supersizing.config import (
    CLEARANCES,
    PALM_CLEARANCES,
    Angles,
    Choice,
    Reference,
    outputs,
    paper,
    small,
)
from selfgrasp.methods.supersizing.examples import batch_of, map_of, stored_pixels
from selfgrasp.methods.supersizing.network import (
    STRIDE,
    GraspNetwork,
    _under_palm_middle,
    bin_of,
    clearances,
    fingers_over,
    hand_input,
    network_input,
    under_palm,
    with_hand_drawn,
)
from selfgrasp.methods.supersizing.search import graspable, score_grasps, search

torch.set_num_threads(1)
RNG = np.random.default_rng


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", ["supersizing:small", "supersizing:outputs"])
def test_contract(name: str, contract):
    contract(name)


def shaken(network: GraspNetwork) -> GraspNetwork:
    """With normalisation statistics and last weights that matter."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    torch.nn.init.normal_(network.head[-1].weight)
    return network.eval()


def test_dense_features_equal_those_of_each_patch():
    network = shaken(GraspNetwork(small()))
    maps = torch.rand(1, 4, 45 + 4 * 9, 45 + 4 * 7)
    with torch.inference_mode():
        dense = network.features(maps)
        assert dense.shape == (1, 64, 10, 8)
        for i, j in ((0, 0), (3, 5), (9, 7)):
            patch = maps[..., STRIDE * i : STRIDE * i + 45, STRIDE * j : STRIDE * j + 45]
            assert torch.allclose(network.features(patch)[0, :, 0, 0], dense[0, :, i, j], atol=1e-5)


def test_dense_plan_scores_equal_single_grasps():
    config, context = small(), box_context()
    network = shaken(GraspNetwork(config))
    top = map_of(context.observation, config, context.spec)
    with torch.inference_mode():
        scored = search(network, top, graspable(context, top, config), context.spec, config, RNG(0))
        some = scored.take(RNG(0).choice(len(scored), 60, replace=False))
        single = score_grasps(
            [network],
            top,
            some.xy,
            some.bins * math.pi / 18,
            some.z,
            some.width,
            context.spec,
            config,
        )
    # OpenCV rounds the places it samples to 1/32 px, in the map's frame once and in the patch's
    # once.
    assert np.abs(single - some.logits).max() < 0.1 * scored.logits.std()
    assert np.corrcoef(single, some.logits)[0, 1] > 0.998


def gradient_examples(config, yaw: float, n: int = 1) -> Examples:
    """Crops in the gripper's frame whose height rises along the closing direction and whose red
    falls across it."""
    side = stored_pixels(config)
    ramp = (np.arange(side, dtype=np.float32) - (side - 1) / 2) / 1000
    height = np.broadcast_to(0.05 + ramp[None, None, :], (n, side, side)).astype(np.float16)
    columns = {
        "color": np.full((n, side, side, 3), 90, np.uint8),
        "height": height,
        "fingertip": np.full(n, 0.05, np.float32),
        "width": np.full(n, 0.07, np.float32),
        "yaw": np.full(n, yaw, np.float32),
        "grasped": np.ones(n, np.uint8),
        "reach": np.full(n, 14, np.float32),
    }
    return Examples(columns, np.ones(n, np.float32))


def slope(patch: np.ndarray) -> tuple[float, float]:
    """Mean rise along columns and along rows in the middle of a (P, P) patch."""
    middle = patch[12:-12, 12:-12]
    return float(np.diff(middle, axis=1).mean()), float(np.diff(middle, axis=0).mean())


def test_a_label_turns_with_its_patch():
    config = replace(outputs(), shift=0.0, jitter=0.0)
    batch = batch_of(
        gradient_examples(config, 0.3, n=64), np.arange(64), config, RNG(0), augment=True
    )
    for patch, tried in zip(batch["patch"][:, 3].numpy(), batch["bin"].numpy(), strict=True):
        du, dv = slope(patch)
        direction = math.atan2(dv, du) % math.pi
        difference = abs(direction - tried * math.pi / 18) % math.pi
        assert min(difference, math.pi - difference) < math.radians(5.5)
    assert len(set(batch["bin"].tolist())) > 12


def test_without_augmentation_the_patch_lies_as_the_world_does():
    config = outputs()
    batch = batch_of(
        gradient_examples(config, math.radians(40)), np.arange(1), config, RNG(0), augment=False
    )
    du, dv = slope(batch["patch"][0, 3].numpy())
    assert math.degrees(math.atan2(dv, du)) == pytest.approx(40, abs=1.5)
    assert batch["bin"].item() == 4


def test_rotated_patches_stay_in_the_gripper_frame():
    config = replace(small(), jitter=0.0)
    batch = batch_of(
        gradient_examples(config, 1.0, n=32), np.arange(32), config, RNG(0), augment=True
    )
    angles = [
        math.degrees(math.atan2(dv, abs(du)))
        for du, dv in (slope(p) for p in batch["patch"][:, 3].numpy())
    ]
    assert max(map(abs, angles)) < 6
    assert np.std(angles) > 2
    signs = {slope(p)[0] > 0 for p in batch["patch"][:, 3].numpy()}
    assert signs == {True, False}, "mirrored along the closing direction half of the time"


def test_a_stored_example_equals_the_patch_that_planning_cuts():
    for config in (small(), outputs()):
        source = box_source(3, grasps=4)
        method = registry.build("supersizing", config=config)
        examples = method.examples(source, "train", RNG(0))
        attempts = list(source.attempts("train"))
        batch = method.batch(examples, np.arange(len(examples)), RNG(0), augment=False)
        network = shaken(method.network)
        with torch.inference_mode():
            logits = network(batch["patch"], batch["hand"], batch["reach"]).numpy()
            for i, attempt in enumerate(attempts):
                pose = attempt.steps[0].action.world_from_tool
                top = map_of(attempt.before, config, source.spec)
                yaw = np.array([yaw_of(pose)])
                width = np.array([attempt.steps[0].action.width])
                single = score_grasps(
                    [network],
                    top,
                    pose[None, :2, 3],
                    yaw,
                    pose[None, 2, 3],
                    width,
                    source.spec,
                    config,
                )
                stored = (
                    logits[i, int(batch["bin"][i])]
                    if config.angles is Angles.OUTPUTS
                    else logits[i, 0]
                )
                # Published patches are cut twice (into the gripper's frame and back), so they are a
                # little smoother.
                assert single[0] == pytest.approx(stored, abs=0.25 * float(logits.std()) + 1e-3)


def test_examples_are_predicted_as_their_grasps_are_scored():
    source = box_source(3, grasps=4)
    method = registry.build("supersizing")
    for network in method.networks:
        shaken(network)
    method.platt.copy_(torch.tensor([0.1, -1.0]))
    examples = method.examples(source, "train", RNG(0))
    scores = [
        float(method.score(Context(a.before, source.spec), [a.steps[0].action])[0])
        for a in source.attempts("train")
    ]
    predicted = method.example_probabilities(examples)
    assert np.std(scores) > 0.01
    np.testing.assert_allclose(predicted, scores, atol=0.25 * np.std(scores))


def test_heights_are_relative_to_the_fingertips_where_the_config_says_so():
    color, height = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2), 0.06)
    fingertip = np.array([0.035])
    assert network_input(color, height, fingertip, outputs())[0, 3] == pytest.approx(0.5, abs=1e-6)
    assert network_input(color, height, fingertip, small())[0, 3] == pytest.approx(1.2, abs=1e-6)


def test_fingertips_and_opening_join_late_where_the_config_says_so():
    fingertip, width = np.array([0.035]), np.array([0.08])
    assert hand_input(fingertip, width, small())[0].tolist() == pytest.approx([0.7, 1.0])
    assert hand_input(fingertip, width, outputs()).shape == (1, 0)


def test_clearances_by_hand():
    """A wall 0.1 m high from ten px to the right of the middle on, a step of 0.05 m from ten px to
    the left on."""
    height = torch.zeros(1, 45, 45)
    height[0, :, 32:], height[0, :, :13] = 2.0, 1.0
    middle = torch.full((3,), 22)
    reach = torch.tensor([5.0, 13.0, 20.5])
    met = clearances(
        torch.from_numpy(fingers_over(height[0].numpy()))[None],
        (torch.zeros(3, dtype=torch.int64), middle, middle),
        reach,
    )
    assert met[:, :2].tolist() == [[0, 0], [2, 1], [2, 1]], (
        "under the fingers: the higher, the lower"
    )
    assert met[:, 2].tolist() == [0, 0, 0], "in the middle"
    assert met[:, 3:].tolist() == [[0, 0], [0, 0], [pytest.approx(2.0), pytest.approx(1.0)]], (
        "halfway"
    )


def test_what_is_under_the_palm_by_hand():
    """A post 0.1 m high beyond where a finger reaches, one half as high in the middle, one that no
    palm reaches."""
    height = np.zeros((61, 71), np.float32)
    height[30, 35 + 18], height[33, 35], height[30 + 12, 35 - 18] = 2.0, 1.0, 3.0
    rows, columns = np.array([30, 30, 36]), np.array([35, 34, 35])
    assert under_palm(height, rows, columns)[0].tolist() == [2, 2, 0], (
        "all of it, the higher end, the lower end"
    )
    assert under_palm(height, rows, columns)[1].tolist() == [2, 2, 0], "a px to the side"
    assert under_palm(height, rows, columns)[2].tolist() == [3, 3, 2], (
        "six px up: the third post comes under the other end"
    )


def test_patches_and_maps_meet_the_same_palm():
    height = RNG(3).random((80, 90)).astype(np.float32)
    rows, columns = RNG(4).integers(22, 58, 20), RNG(5).integers(22, 68, 20)
    patches = torch.from_numpy(
        np.stack(
            [height[r - 22 : r + 23, c - 22 : c + 23] for r, c in zip(rows, columns, strict=True)]
        )
    )
    assert torch.equal(under_palm(height, rows, columns), _under_palm_middle(patches))


def test_the_hand_is_drawn_where_it_will_be():
    """Flat ground at one unit, fingertips half a unit above and below it, fingers 10.5 px to the
    sides."""
    x = torch.ones(2, 4, 45, 45)
    drawn = with_hand_drawn(x, torch.tensor([1.5, 0.5]), torch.tensor([10.5, 10.5]))
    assert torch.equal(drawn[:, :4], x)
    assert drawn[:, 4].unique(dim=1)[:, 0].unique(dim=1).tolist() == [[-2], [2]], (
        "heights relative to the fingertips, four times as fine"
    )
    middle = drawn[0, 5, 22]
    assert middle.nonzero()[:, 0].tolist() == [10, 11, 12, 13, 31, 32, 33, 34], (
        "three px thick, shared by four where it stands between two"
    )
    assert middle[[31, 32, 33, 34]].tolist() == [1, 2, 2, 1]
    assert drawn[0, 5, :, 32].nonzero()[:, 0].tolist() == list(range(19, 26)), "seven px broad"


def test_the_rescorer_changes_scores():
    """What the first thinks best is kept out once the second is against it; the map stays the
    first's."""
    method, context = (
        registry.build("supersizing", config=replace(small(), temperature=0.0)),
        box_context(),
    )
    with torch.no_grad():
        for network in method.networks:
            shaken(network)
        before = method.plan(context)
        method.second.head[-1].weight.mul_(-20)
        after = method.plan(context)
    assert not np.allclose(before.action.world_from_tool, after.action.world_from_tool)
    assert np.array_equal(
        before.maps["graspability"].values, after.maps["graspability"].values, equal_nan=True
    )
    assert len(after.actions) == 20
    # A score has mirrored looks too: another mean, of the same mind.
    assert np.corrcoef(method.score(context, after.actions), after.scores)[0, 1] > 0.5


def test_both_networks_learn_and_neither_sees_the_others_gradient():
    method, source = registry.build("supersizing"), box_source(2, grasps=4)
    batch = method.batch(
        method.examples(source, "train", RNG(0)), np.arange(4), RNG(0), augment=False
    )
    gradients = []
    for other in (0.0, 3.0):
        method.zero_grad()
        with torch.no_grad():
            method.second.head[-1].bias.fill_(other)
        method.loss(batch).value.backward()
        gradients.append(method.network.head[-1].weight.grad.clone())
        assert method.second.head[-1].bias.grad.abs() > 0
    assert gradients[0].abs().sum() > 0
    assert torch.equal(*gradients)


def test_a_plan_chooses_the_best_opening():
    method, context = registry.build("supersizing"), box_context()
    with torch.no_grad():
        for network in method.networks:
            for layer in network.head:
                if isinstance(layer, torch.nn.Linear):
                    layer.weight.zero_()
            network.head[0].weight[0, -1 - CLEARANCES - PALM_CLEARANCES] = -1.0
            network.head[0].bias[0] = 2.0
            network.head[-1].weight[0, 0] = 1.0
    narrow = 0.45 * context.spec.gripper.opening
    assert {round(a.width, 6) for a in method.plan(context).actions} == {round(narrow, 6)}


def test_bins_by_hand():
    degrees = np.array([0, 4.9, 5.1, 90, 174, 176, -10, 190])
    assert bin_of(np.radians(degrees), 18).tolist() == [0, 0, 1, 9, 17, 0, 17, 1]


def test_faults_that_say_nothing_are_skipped_and_trained_rounds_weigh_three():
    attempts = box_attempts(1, grasps=5)
    outcomes = (Fault.NO_IMAGE, Fault.STOPPED, Fault.UNREACHABLE, Fault.BLOCKED, None)
    changed = [
        replace(a, outcome=Outcome(f is None, 0.03, 0.0, 0.0, f), round=i // 4)
        for i, (a, f) in enumerate(zip(attempts, outcomes, strict=True))
    ]
    examples = registry.build("supersizing").examples(
        MemorySource(changed, box_spec(), shares=(1, 0, 0)), "train", RNG(0)
    )
    assert examples["grasped"].tolist() == [0, 0, 1]
    assert examples.weights.tolist() == [1, 1, 3]


def test_only_the_tried_bin_learns():
    method = registry.build("supersizing", config=outputs())
    source = box_source(2, grasps=4)
    batch = method.batch(
        method.examples(source, "train", RNG(0)), np.arange(4), RNG(0), augment=False
    )
    method.loss(batch).value.backward()
    touched = (method.network.head[-1].bias.grad != 0).nonzero()[:, 0].tolist()
    assert touched == sorted(set(batch["bin"].tolist()))


def test_nothing_on_the_table_is_a_plan_that_says_so():
    spec = box_spec()
    empty = replace(
        box_scene(RNG(0)),
        xy=np.zeros((0, 2)),
        sizes=np.zeros((0, 3)),
        yaws=np.zeros(0),
        colors=np.zeros((0, 3), np.uint8),
    )
    plan = registry.build("supersizing").plan(
        Context(observation(box_view(empty, spec, RNG(0)), spec), spec)
    )
    assert plan.action is None
    assert "nothing to grasp" in plan.reason


@pytest.mark.parametrize(
    "config",
    [
        small(),
        outputs(),
        replace(
            small(),
            reference=Reference.SUBTRACTED,
            clearance=False,
            palm=False,
            rescorer=False,
            points=60,
        ),
        replace(small(), rescorer=False),
        replace(small(), rerank=5),
    ],
)
def test_plans_have_distinct_candidates_and_a_map(config):
    method, context = registry.build("supersizing", config=config), box_context()
    plan = method.plan(context)
    assert len(plan.actions) == (config.rerank or 20)
    assert plan.maps["graspability"].values.shape[0] == 18
    assert np.nanmax(plan.maps["graspability"].values) <= 1
    assert np.isfinite(plan.maps["graspability"].values).any()
    assert plan.calibrated
    assert method.score(context, plan.actions).shape == plan.scores.shape
    with pytest.raises(InputError, match="1 actions that are not grasps"):
        method.score(context, [Push(np.zeros(3), 0.0, 0.1)])


def test_sampling_records_its_probability():
    method, context = (
        registry.build("supersizing", config=replace(small(), exploration=Choice.SAMPLED)),
        box_context(),
    )
    explorer = method.exploring()
    plans = [explorer.plan(replace(context, seed=s)) for s in range(4)]
    assert len({tuple(p.action.world_from_tool[:2, 3]) for p in plans}) > 1
    assert all(0 < p.probability < 0.1 for p in plans)
    assert (
        registry.build("supersizing", config=replace(small(), temperature=0.0))
        .plan(context)
        .probability
        == 1
    )
    assert (
        registry.build("supersizing", config=replace(small(), choice=Choice.SAMPLED))
        .plan(context)
        .probability
        < 1
    )


def test_the_paper_network_has_the_paper_shape():
    config = paper()
    network = GraspNetwork(config)
    linear = [m for m in network.head if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [
        (9216, 4096),
        (4096, 1024),
        (1024, 18),
    ]
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 227, 227), torch.zeros(1, 0)).shape == (1, 18)
    assert registry.build("supersizing:paper").recipe(round=1).epochs == 5


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    order = scores.argsort().argsort()
    positive = labels.sum()
    return float(
        (order[labels].sum() - positive * (positive - 1) / 2)
        / (positive * (len(labels) - positive))
    )


@pytest.mark.parametrize(
    ("name", "wanted_auc", "wanted_held"),
    [("supersizing:small", 0.85, 8), ("supersizing:outputs", 0.62, 2)],
)
def test_boxes_are_learned(name: str, wanted_auc: float, wanted_held: int, tmp_path: Path):
    """From 1,200 attempts the 18 separate outputs learn where, but hardly at what angle; shared
    weights learn both."""
    method = registry.build(name)
    source = box_source(100, grasps=16)
    train, validation = (
        method.examples(source, split, RNG(0)) for split in ("train", "validation")
    )
    fit(method, train, validation, FitConfig(epochs=10, device="cpu"), tmp_path)
    test = method.examples(box_source(20, grasps=16, seed=9), "train", RNG(0))
    batch = method.batch(test, np.arange(len(test)), RNG(0), augment=False)
    with torch.inference_mode():
        logits = method.network(batch["patch"], batch["hand"], batch["reach"])
        tried = (
            logits.gather(1, batch["bin"][:, None])[:, 0]
            if method.config.angles is Angles.OUTPUTS
            else logits[:, 0]
        )
    assert auc(tried.numpy(), batch["grasped"].numpy() > 0.5) > wanted_auc
    # The best grasp itself, not a draw among the candidates.
    method.config = replace(method.config, temperature=0.0)
    held = 0
    for seed in range(10):
        spec, rng = box_spec(), RNG([77, seed])
        boxes = box_scene(rng)
        action = method.plan(Context(observation(box_view(boxes, spec, rng), spec), spec)).action
        assert isinstance(action, Grasp)
        held += box_outcome(boxes, action, spec).grasped
    assert held >= wanted_held


def test_truth_by_hand():
    boxes = replace(
        box_scene(RNG(0)),
        xy=np.zeros((1, 2)),
        sizes=np.array([[0.04, 0.12, 0.05]]),
        yaws=np.zeros(1),
        colors=np.zeros((1, 3), np.uint8),
    )
    wanted = {0.0: True, math.pi / 2: False, math.pi / 4: False}
    for yaw, grasped in wanted.items():
        assert (
            box_outcome(boxes, Grasp(top_down((0, 0, 0.02), yaw), 0.085), box_spec()).grasped
            is grasped
        )
    assert not box_outcome(boxes, Grasp(top_down((0, 0, 0.06), 0.0), 0.085), box_spec()).grasped
    assert (
        box_outcome(boxes, Grasp(top_down((0.03, 0, 0.02), 0.0), 0.085), box_spec()).fault
        is Fault.BLOCKED
    )
