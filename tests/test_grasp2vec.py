"""Grasp2Vec: what the towers see, triplets, maps, and grasps near the heat's peak."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from selfgrasp.contracts.methods import CONTRACTS
from selfgrasp.contracts.scenes import box_attempts, box_context, box_source, box_spec
from selfgrasp.core import Embedding, Goal, Heat2D, InputError, Move, Verdict, Verifies, View
from selfgrasp.core.arrays import FloatArray, unit
from selfgrasp.core.pose import looking_at
from selfgrasp.learn import Examples, evaluating, save
from selfgrasp.methods import registry
from selfgrasp.methods.grasp2vec import verify
from selfgrasp.methods.grasp2vec.config import (
    CropConfig,
    Grasp2VecConfig,
    TowerConfig,
    failures,
    paper,
    shapes,
)
from selfgrasp.methods.grasp2vec.examples import (
    CHANGED,
    changed_place,
    normalised_batch,
    triplet_batch,
)
from selfgrasp.methods.grasp2vec.finer import finer_map
from selfgrasp.methods.grasp2vec.localise import (
    NEAR,
    PLANE,
    NearScorer,
    heat_over_picture,
    place_of,
)
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.methods.grasp2vec.network import Tower
from selfgrasp.methods.grasp2vec.pictures import middle, object_crop, scene_crop
from selfgrasp.servo.poses import hand_of
from selfgrasp.vision.project import project_world
from selfgrasp.vision.square_crop import SquareCrop, held_crop, square_crop
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig, kuka_bin_spec

torch.set_num_threads(1)
RNG = np.random.default_rng
TINY = Grasp2VecConfig(
    tower=TowerConfig(stem=8, units=(1, 1), channels=(16, 32), strides=(1, 2), squeeze=2),
    scene=CropConfig(48, 52, 0.06),
    held=CropConfig(32, 36, 0.16),
)
SPEC = box_spec()


def built(config: Grasp2VecConfig = TINY) -> Grasp2Vec:
    method = registry.build("grasp2vec", config=config)
    assert isinstance(method, Grasp2Vec)
    return method


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
def test_contract(contract: Callable[[str], None]) -> None:
    contract("grasp2vec")


def spotted(view: View, at: FloatArray) -> View:
    """Black, but for a white spot of 3 px around a pixel."""
    color = np.zeros_like(view.color)
    column, row = np.floor(at).astype(int)
    color[row - 1 : row + 2, column - 1 : column + 2] = 255
    return replace(view, color=color, depth=None)


def brightest(crop: SquareCrop) -> FloatArray:
    """(2,) px of the picture, where the crop is brightest."""
    light = crop.color.astype(float).sum(axis=2)
    row, column = (light.sum(axis=1 - axis) @ (np.arange(len(light)) + 0.5) for axis in (0, 1))
    at = np.array([column, row]) / light.sum()
    px: FloatArray = crop.picture_from_crop @ [*at, 1.0]
    return px


def test_a_place_in_the_bin_is_found_again_through_the_crop() -> None:
    view, at = box_context().observation.view(), np.array([0.06, -0.09, 0.0])
    px = project_world(at, view)
    crop = scene_crop(spotted(view, px), SPEC, CropConfig(48, 52, 0.06))
    assert crop.color.shape == (52, 52, 3)
    assert np.abs(brightest(crop) - px).max() < 1.0
    cut = middle(crop, 48)
    assert cut.color.shape == (48, 48, 3)
    assert np.abs(brightest(cut) - px).max() < 1.0


def test_the_whole_bin_is_in_the_crop_and_little_else() -> None:
    view = box_context().observation.view()
    crop = scene_crop(view, SPEC, CropConfig(48, 52, 0.0))
    side = crop.picture_from_crop[0, 0] * 52
    low, high = SPEC.workspace.low, SPEC.workspace.high
    corners = project_world(np.array([[low[0], low[1], 0.08], [high[0], high[1], 0.08]]), view)
    assert side == pytest.approx(float(np.ptp(corners[:, 0])))


def test_a_camera_that_does_not_see_the_bin_is_refused() -> None:
    view = box_context().observation.view()
    away = replace(view, world_from_camera=looking_at((0, 0, 0.7), (3, 0, 0.7)))
    with pytest.raises(InputError, match="in which the bin is not"):
        scene_crop(away, SPEC, TINY.scene)


def test_what_the_fingertips_hold_is_in_the_middle_of_its_crop() -> None:
    spec = kuka_bin_spec(KukaBinConfig())
    camera = spec.cameras["shoulder"]
    assert spec.presented is not None
    blank = np.zeros((camera.height, camera.width, 3), np.uint8)
    view = View(blank, None, camera.intrinsics, camera.world_from_camera)
    tip = project_world(spec.presented[:3, 3], view)
    crop = object_crop(spotted(view, tip), spec, CropConfig(32, 36, 0.16))
    assert np.abs(crop.picture_from_crop @ [18, 18, 1] - tip).max() < 1e-6
    assert np.abs(brightest(crop) - tip).max() < 1.0
    wider = held_crop(view, spec, 0.32, 36)
    assert wider.picture_from_crop[0, 0] == pytest.approx(2 * crop.picture_from_crop[0, 0])


@pytest.mark.parametrize("size", [(9, 400), (64, 64), (300, 20)])
def test_a_picture_without_a_calibration_is_all_object(size: tuple[int, int]) -> None:
    color = np.full((*size, 3), 200, np.uint8)
    view = View.uncalibrated(color)
    assert not view.is_calibrated
    assert box_context().observation.view().is_calibrated
    crop = object_crop(view, SPEC, CropConfig(32, 36, 0.16))
    assert (crop.color == 200).all()
    corners = np.array([[0, 0, 1], [36, 36, 1]]) @ crop.picture_from_crop.T
    assert np.ptp(corners, axis=0) == pytest.approx(max(size))
    assert corners.mean(axis=0) == pytest.approx([size[1] / 2, size[0] / 2])


def test_a_picture_too_small_to_show_anything_is_refused() -> None:
    with pytest.raises(InputError, match="7 x 40 px"):
        object_crop(View.uncalibrated(np.zeros((40, 7, 3), np.uint8)), SPEC, TINY.held)


def test_a_pixel_of_a_crop_is_the_mean_of_those_that_it_covers() -> None:
    checkered = np.zeros((64, 64, 3), np.uint8)
    checkered[::2, ::2] = checkered[1::2, 1::2] = 200
    crop = square_crop(checkered, np.array([32.0, 32.0]), 32.0, 16)
    assert (crop.color == 100).all()


def test_only_what_was_held_and_shown_makes_a_triplet_unless_failures_teach() -> None:
    attempts = box_attempts(2, grasps=6)
    held = sum(a.outcome.grasped for a in attempts)
    assert 0 < held < len(attempts)
    source = replace(box_source(2, grasps=6), shares=(1.0, 0.0, 0.0))
    examples = built().examples(source, "train", RNG(0))
    assert len(examples) == held
    assert examples["grasped"].all()
    assert examples["held"].any(axis=(1, 2, 3)).all()
    config = replace(TINY, failures=True)
    more = built(config).examples(source, "train", RNG(0))
    assert len(more) == len(attempts)
    assert int(more["grasped"].sum()) == held
    assert not more["held"][more["grasped"] == 0].any()
    assert failures().failures


def painted(count: int = 8) -> Examples:
    """Triplets of colored squares: three in the scene, of which one goes; pictures larger than
    their squares, on gray."""
    rng = RNG(0)
    colors = rng.permutation([(r, g, b) for r in (0, 255) for g in (0, 255) for b in (0, 255)])
    before = np.full((count, 52, 52, 3), 128, np.uint8)
    held = np.full((count, 36, 36, 3), 128, np.uint8)
    after = before.copy()
    corners = [(8, 8), (8, 32), (32, 8), (32, 32)]
    for i in range(count):
        for place, which in enumerate((i, i + 1, i + 3)):
            row, column = corners[(place + i) % 4]
            for picture in (before, after)[: 1 if place == 0 else 2]:
                picture[i, row : row + 12, column : column + 12] = colors[which % 8]
        held[i, 10:26, 10:26] = colors[i % 8]
    columns = {
        "before": before,
        "after": after,
        "held": held,
        "behind": np.full_like(held, 128),
        "changed": np.array([changed_place(b, a) for b, a in zip(before, after, strict=True)]),
        "grasped": np.ones(count, np.uint8),
        "scene": np.arange(count),
    }
    return Examples(columns, np.ones(count, np.float32))


def flipped(picture: torch.Tensor) -> list[torch.Tensor]:
    return [picture.flip(axes) for axes in ((), (1,), (2,), (1, 2))]


def test_before_and_after_are_cut_and_colored_alike_and_flipped_each_on_its_own() -> None:
    noise = RNG(1).integers(0, 256, (16, 52, 52, 3), dtype=np.uint8)
    columns = dict(painted(16).columns) | {"before": noise, "after": noise}
    examples = Examples(columns, np.ones(16, np.float32))
    batch = triplet_batch(examples, np.arange(16), TINY, RNG(0), augment=True)
    same = [torch.equal(a, b) for a, b in zip(batch["before"], batch["after"], strict=True)]
    assert 0 < sum(same) < 16
    for before, after in zip(batch["before"], batch["after"], strict=True):
        assert any(torch.equal(before, other) for other in flipped(after))
    plain = triplet_batch(examples, np.arange(16), TINY, RNG(0), augment=False)
    assert torch.equal(plain["before"], plain["after"])
    assert plain["before"][3, 0, 5, 7].item() == pytest.approx(noise[3, 7, 9, 0] / 127.5 - 1)


def test_a_window_shows_what_changed_and_before_and_after_are_flipped_alike() -> None:
    config = replace(TINY, window_px=24)
    examples = painted()
    batch = triplet_batch(examples, np.arange(8), config, RNG(0), augment=True)
    assert batch["before"].shape == batch["after"].shape == (8, 3, 24, 24)
    differs = (batch["before"] != batch["after"]).any(dim=1)
    # Squares of 12 px, whole, whose middles are off that of the window by 4 px at most.
    assert (differs.sum(dim=(1, 2)) == 144).all()
    for square in differs:
        places = square.nonzero().float().mean(dim=0) - 11.5
        assert places.abs().max() <= 4.5
    with pytest.raises(InputError, match="window_px 53"):
        replace(TINY, window_px=53)
    with pytest.raises(InputError, match="windows of 24"):
        replace(TINY, tied=True, held=TINY.scene, window_px=24)


def test_half_of_the_pictures_are_transposed_and_before_and_after_alike() -> None:
    noise = RNG(1).integers(0, 256, (16, 52, 52, 3), dtype=np.uint8)
    columns = dict(painted(16).columns) | {"before": noise, "after": noise, "held": noise}
    examples = Examples(columns | {"behind": noise}, np.ones(16, np.float32))
    plain, turned = (
        triplet_batch(examples, np.arange(16), config, RNG(0), augment=True)
        for config in (replace(TINY, window_px=24), replace(TINY, window_px=24, turned=True))
    )
    assert torch.equal(turned["before"], turned["after"])
    for name in ("before", "held"):
        same = [torch.equal(a, b) for a, b in zip(plain[name], turned[name], strict=True)]
        assert 0 < sum(same) < 16
        for straight, picture in zip(plain[name], turned[name], strict=True):
            assert any(torch.equal(picture, one) for one in (straight, straight.mT))


def test_a_gray_tower_does_not_see_colors() -> None:
    config = replace(TINY.tower, gray=True)
    tower, seen = Tower(config).eval(), torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        found = tower(seen)
        assert torch.allclose(tower(seen[:, [2, 0, 1]]), found, atol=1e-5)
        assert not torch.allclose(tower(seen.flip(3)).flip(3), found, atol=1e-3)
    assert shapes().tower.gray
    assert built(shapes()).recipe().batch == 64


def test_what_changed_most_is_looked_for_and_noise_is_no_change() -> None:
    before = np.full((40, 40, 3), 128, np.uint8)
    noise = before + CHANGED
    assert changed_place(before, noise).tolist() == [20, 20]
    after = noise.copy()
    after[4:8, 10:20, 1] = 0
    after[30:33, 30:33] = 0
    assert changed_place(before, after).tolist() == [6, 15]


def test_colors_change_places_alike_over_a_batch() -> None:
    config = replace(TINY, permuted=1.0, jitter=0.0)
    columns = dict(painted().columns)
    for name in ("before", "after", "held", "behind"):
        columns[name] = np.zeros_like(columns[name])
        columns[name][..., 1], columns[name][..., 2] = 100, 255
    examples = Examples(columns, np.ones(8, np.float32))
    seen = set()
    for seed in range(8):
        batch = triplet_batch(examples, np.arange(8), config, RNG(seed), augment=True)
        orders = {
            tuple(batch[name][i].mean(dim=(1, 2)).argsort().tolist())
            for name in ("before", "after", "held")
            for i in range(8)
        }
        assert len(orders) == 1
        seen |= orders
    assert len(seen) > 2


def test_the_published_tower_is_three_blocks_of_resnet_50() -> None:
    tower = Tower(paper().tower).eval()
    convolutions = [m for m in tower.modules() if isinstance(m, torch.nn.Conv2d)]
    # A stem, 3 + 4 + 6 units of three, and a shortcut a block.
    assert len(convolutions) == 1 + 3 * 13 + 3
    with torch.inference_mode():
        seen = tower(torch.zeros(1, 3, 64, 64))
    assert seen.shape == (1, 1024, 4, 4)
    assert seen.min() >= 0
    assert paper().tower.stride == 16


def test_a_place_of_the_map_sees_around_the_pixel_that_the_heat_says() -> None:
    tower, stride = Tower(TINY.tower).eval(), TINY.tower.stride
    # A mean over the pool's window sees what its maximum may see; without ReLUs nothing is hidden.
    tower.stem[1] = torch.nn.AvgPool2d(3, 2, 1)
    for one in tower.units:
        one.norm, one.body = one.norm[0], torch.nn.Sequential(*list(one.body)[::3])
    for weights in tower.parameters():
        torch.nn.init.constant_(weights, 0.1)
    picture = torch.zeros(1, 3, 128, 128, requires_grad=True)
    tower.units(tower.stem(picture))[0, 0, 7, 9].backward()
    assert picture.grad is not None
    rows, columns = np.nonzero(picture.grad[0, 0].numpy())
    center = np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2 + 0.5
    whole = SquareCrop(np.zeros((128, 128, 3), np.uint8), np.eye(2, 3))
    seen = np.zeros((1, 16, 16), np.float32)
    seen[0, 7, 9] = 1
    heat = heat_over_picture(seen, np.ones(1), whole, stride)
    assert heat.peak_px == pytest.approx(center)


@pytest.mark.parametrize("side", [16, 17, 19])
def test_a_finer_map_has_its_places_between_the_towers(side: int) -> None:
    """Of a tower that sees the pixel in the middle of each place and nothing else, all mirrorings
    say the same: what they see is the same pixel."""
    rng, stride, stored = np.random.default_rng(0), 4, 29
    color = rng.integers(256, size=(stored, stored, 3)).astype(np.uint8)
    start = (stored - side) // 2

    def looks(pictures: torch.Tensor) -> NDArray[np.float32]:
        assert pictures.shape[2:] == (side, side)
        return pictures[:, :, ::stride, ::stride].numpy()

    found = finer_map(looks, SquareCrop(color, np.eye(2, 3)), side, stride)
    count, half = 2 * -(-side // stride), stride // 2
    wanted = normalised_batch(color[None, start::half, start::half])[0, :, :count, :count]
    assert found == pytest.approx(wanted.numpy(), abs=1e-6)


def test_a_finer_map_is_the_mean_over_mirrorings() -> None:
    """Of a tower that sees the pixel left of each place: half of the mirrored ones see the other
    side."""
    color = np.zeros((24, 24, 3), np.uint8)
    color[:, 4 + 9] = 255

    def looks(pictures: torch.Tensor) -> NDArray[np.float32]:
        return pictures.roll(1, dims=3)[:, :, ::4, ::4].numpy()

    (values, *_) = finer_map(looks, SquareCrop(color, np.eye(2, 3)), 16, 4)
    # The middle begins at 4, its places are two apart: 9 lies right of the place at 8, left of 10.
    assert values.tolist() == 8 * [[-1, -1, -1, -1, 0, 0, -1, -1]]


def test_what_is_to_learn_forgets_the_map_it_made() -> None:
    method, view = built(), box_context().observation.view()
    before = method.heat(view, np.ones(TINY.tower.channels[-1]), SPEC).values
    assert np.array_equal(before, method.heat(view, np.ones(TINY.tower.channels[-1]), SPEC).values)
    method.train()
    with torch.no_grad():
        for weights in method.scene.parameters():
            weights.mul_(1.5)
    after = method.eval().heat(view, np.ones(TINY.tower.channels[-1]), SPEC).values
    assert not np.allclose(after, before)


def test_what_stays_is_seen_alike_before_and_after() -> None:
    """Far from what was taken away no feature changes, though a tower that trains would see other
    batches: at test time the norm is fixed."""
    tower = Tower(TINY.tower)
    scene = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    less = scene.clone()
    less[..., :16, :16] = 0
    with torch.inference_mode():
        tower(torch.cat([scene, less]))
        tower.eval()
        change = (tower(scene) - tower(less))[0].abs().amax(dim=0)
    assert change[:4, :4].max() > 0.01
    assert change[8:, 8:].max() < 1e-5


@pytest.mark.parametrize("tied", [False, True])
def test_eight_triplets_are_learned_to_a_perfect_retrieval(tied: bool) -> None:
    config = replace(TINY, tied=tied, held=CropConfig(48, 52, 0.16) if tied else TINY.held)
    method, examples = built(config), painted()
    if tied:
        held = np.pad(examples["held"], ((0, 0), (8, 8), (8, 8), (0, 0)), constant_values=128)
        examples = Examples({**examples.columns, "held": held}, examples.weights)
    batch = method.batch(examples, np.arange(8), RNG(0), augment=False)
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    method.train()
    for _ in range(60):
        loss = method.loss(batch)
        if loss.metrics["npairs"] < 0.2:
            break
        optimizer.zero_grad()
        loss.value.backward()
        optimizer.step()
    assert loss.metrics["retrieval"] == loss.metrics["scene_retrieval"] == 1


def test_failures_are_told_from_objects_and_responses_fall_with_them() -> None:
    config = replace(TINY, failures=True, response_weight=0.5)
    method, examples = built(config), painted()
    columns = dict(examples.columns) | {"grasped": np.array([1, 1, 0, 1, 0, 1, 1, 1], np.uint8)}
    some = Examples(columns, examples.weights)
    loss = method.loss(method.batch(some, np.arange(8), RNG(0), augment=False))
    assert torch.isfinite(loss.value)
    weighed = loss.metrics["npairs"] + 0.5 * loss.metrics["response_loss"]
    assert loss.value.item() == pytest.approx(weighed.item())
    none = Examples({**columns, "grasped": np.zeros(8, np.uint8)}, examples.weights)
    alone = method.loss(method.batch(none, np.arange(8), RNG(0), augment=False))
    assert torch.isfinite(alone.value)
    assert alone.metrics.keys() == {"npairs"}


def test_vectors_of_views_are_those_that_training_sees() -> None:
    method = built().eval()
    assert isinstance(method, Embedding)
    source = replace(box_source(1, grasps=6), shares=(1.0, 0.0, 0.0))
    held = [a for a in source.attempts("train") if a.present is not None]
    batch = method.batch(
        method.examples(source, "train", RNG(0)), np.arange(len(held)), RNG(0), augment=False
    )
    presents = [a.present for a in held if a.present is not None]
    with torch.inference_mode():
        assert method.held is not None
        wanted = method.held(batch["held"]).mean(dim=(2, 3)).numpy()
        seen = method.scene(batch["after"]).mean(dim=(2, 3)).numpy()
    assert method.objects(presents, SPEC) == pytest.approx(wanted, abs=1e-5)
    afters = [a.after.view() for a in held if a.after is not None]
    assert method.scenes(afters, SPEC) == pytest.approx(seen, abs=1e-5)
    assert method.scenes([], SPEC).shape == (0, TINY.tower.numbers)


def test_the_peak_is_taken_to_the_plane_of_what_lies_in_the_bin() -> None:
    view, at = box_context().observation.view(), np.array([0.05, -0.07, PLANE])
    column, row = project_world(at, view)
    values = np.zeros((4, 4), np.float32)
    values[2, 1] = 1
    heat = Heat2D(values, np.array([[8.0, 0, column - 12], [0, 8.0, row - 20]]))
    assert place_of(heat, view.world_from_camera, view, SPEC) == pytest.approx(at[:2])
    outside = Heat2D(values, np.array([[8.0, 0, column + 500], [0, 8.0, row]]))
    assert place_of(outside, view.world_from_camera, view, SPEC)[0] == SPEC.workspace.high[0]


class Flat:
    """Finds every motion equally good."""

    def logits(self, poses: FloatArray) -> FloatArray:
        return np.full(len(poses), 2.0)

    careful_logits = logits


def test_grasps_near_the_place_keep_their_score_and_others_lose_it() -> None:
    scorer = NearScorer(Flat(), np.array([0.1, 0.0]))
    x = 0.1 - np.array([0.0, NEAR, 2 * NEAR, 3 * NEAR])
    logits = scorer.logits(np.stack([x, np.zeros(4), np.ones(4)], axis=1))
    assert logits[:2] == pytest.approx(2.0)
    assert (np.diff(logits[1:]) < -1).all()
    assert (scorer.careful_logits(np.array([[0.1, 0.0, 0.0]])) == 2.0).all()


def color_of(value: int) -> NDArray[np.uint8]:
    return np.full((20, 30, 3), value, np.uint8)


RED = Goal(image=View.uncalibrated(color_of(200)))
BLUE = Goal(image=View.uncalibrated(color_of(20)))


def where() -> Heat2D:
    """A heat whose peak is over a corner of the bin."""
    view = box_context().observation.view()
    column, row = project_world(np.array([0.1, 0.1, PLANE]), view)
    affine = np.array([[8.0, 0, column - 4], [0, 8.0, row - 4]])
    return Heat2D(np.eye(2, 1, dtype=np.float32), affine)


def test_a_goal_is_grasped_where_the_heat_has_its_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Grasp2Vec, "found", lambda self, context: where())
    context = replace(box_context(), goal=RED)
    plan = built().plan(context)
    assert isinstance(plan.action, Move)
    assert not plan.calibrated
    end = hand_of(context.observation)[:2] + plan.action.translation[:2]
    assert np.linalg.norm(end - 0.1) < 0.08


def test_what_is_not_alike_enough_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Grasp2Vec, "found", lambda self, context: where())
    monkeypatch.setattr(Grasp2Vec, "similarity", lambda self, context: 0.3)
    method, context = built(replace(TINY, not_found_threshold=0.5)), box_context()
    plan = method.plan(replace(context, goal=RED))
    assert not plan.actions
    assert "0.30, below the threshold of 0.50" in plan.reason
    assert method.plan(context).actions
    variants = method.variants()
    assert variants["always"].plan(replace(context, goal=RED)).actions
    assert variants["anything"].plan(replace(context, goal=RED)).calibrated


def test_the_similarity_is_the_cosine_of_the_likeliest_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method, context = built(), replace(box_context(), goal=RED)
    assert RED.image is not None
    (vector,) = method.objects([RED.image], SPEC)
    view = context.observation.view()
    stored, side = scene_crop(view, SPEC, TINY.scene), TINY.scene.px
    with evaluating(method):
        places = finer_map(
            lambda pictures: method.scene.features(pictures).numpy(),
            stored,
            side,
            TINY.tower.stride,
        )
    products = np.tensordot(vector, places, axes=1)
    seen = ~np.isnan(method.heat(view, vector, SPEC).values)
    at = np.unravel_index(np.where(seen, products, -np.inf).argmax(), products.shape)
    wanted = products[at] / (np.linalg.norm(vector) * np.linalg.norm(places[:, *at]))
    for factor in (1.0, 3.0):
        scaled = factor * vector
        monkeypatch.setattr(method, "goal_vector", lambda goal, spec, scaled=scaled: scaled)
        assert method.similarity(context) == pytest.approx(wanted, rel=1e-4)


def test_a_threshold_that_is_no_cosine_is_refused() -> None:
    with pytest.raises(InputError, match=r"not_found_threshold 5\.28.*a cosine"):
        replace(TINY, not_found_threshold=5.28)


def test_of_a_composite_goal_the_mean_is_looked_for() -> None:
    method = built()
    both = method.goal_vector(Goal(any_of=(RED, BLUE)), SPEC)
    one, other = (method.goal_vector(goal, SPEC) for goal in (RED, BLUE))
    assert both == pytest.approx((one + other) / 2, rel=1e-4)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("goal", [Goal("spoon"), Goal(any_of=(RED, Goal("spoon")))])
def test_a_goal_without_a_picture_is_refused(goal: Goal) -> None:
    with pytest.raises(InputError, match=r"spoon.*wanted: a picture"):
        built().plan(replace(box_context(), goal=goal))


def test_without_a_goal_it_is_the_trunk_that_it_took(tmp_path: Path) -> None:
    hand_eye = registry.build("hand_eye", seed=3)
    save(tmp_path / "trunk.safetensors", hand_eye)
    method = built()
    method.load_trunk(tmp_path / "trunk.safetensors")
    one, other = hand_eye.plan(box_context()), method.plan(box_context())
    assert np.array_equal(one.scores, other.scores)
    assert not any(weights.requires_grad for weights in method.judge.parameters())


def test_of_colors_heat_and_verdict_know_nothing() -> None:
    method = built(replace(TINY, tower=replace(TINY.tower, color_levels=2)))
    view, goal = box_context().observation.view(), Goal(image=BLUE.image)
    vector = method.objects([BLUE.image], SPEC)[0]
    heat = method.heat(view, vector, SPEC).values
    features = method.features(vector)
    assert len(features) == len(vector) - 8
    longer = np.linalg.norm(vector) / np.linalg.norm(features)
    assert heat == pytest.approx(method.heat(view, features, SPEC).values * longer, rel=1e-4)
    verdict = method.verdict(BLUE.image, goal, SPEC)
    assert method.scene.colors is not None
    assert method.held is not None
    assert method.held.colors is not None
    for colors in (method.scene.colors, method.held.colors):
        torch.nn.init.constant_(colors.log_weight, 0.3)
    other = method.objects([BLUE.image], SPEC)[0]
    assert not np.allclose(other, vector)
    changed = method.heat(view, other, SPEC).values / np.linalg.norm(other)
    assert changed == pytest.approx(heat / np.linalg.norm(vector), rel=1e-4)
    assert method.verdict(BLUE.image, goal, SPEC) == verdict


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TowerConfig(units=(1, 2)), "as many of each"),
        (lambda: TowerConfig(color_levels=1), "0 for none, or 2 and more"),
        (lambda: CropConfig(64, 60, 0.1), "stored_px at least px"),
        (lambda: Grasp2VecConfig(tied=True), "112 and held pictures of 64 px"),
    ],
)
def test_configs_that_fit_nothing_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_pictures_seen_in_chunks_give_the_same_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    views: Sequence[View] = [View.uncalibrated(color_of(value)) for value in (0, 90, 255)]
    method = built()
    whole = method.objects(views, SPEC)
    monkeypatch.setattr("selfgrasp.methods.grasp2vec.embedding._CHUNK", 2)
    assert method.objects(views, SPEC) == pytest.approx(whole, abs=1e-6)


def test_what_is_held_is_accepted_by_its_cosine_with_any_part_of_the_goal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = {200: [2.0, 0.0], 20: [0.0, 1.0], 90: [3.0, 4.0]}
    method = built()
    monkeypatch.setattr(
        method,
        "objects",
        lambda views, spec: np.array([vectors[int(view.color[0, 0, 0])] for view in views]),
    )
    present, both = View.uncalibrated(color_of(90)), Goal(any_of=(RED, BLUE))
    assert isinstance(method, Verifies)
    assert method.verdict(present, RED, SPEC) == Verdict(False, pytest.approx(0.6))
    assert method.verdict(present, BLUE, SPEC) == Verdict(True, pytest.approx(0.8))
    # The largest of the parts, not the cosine with their mean.
    assert method.verdict(present, both, SPEC) == Verdict(True, pytest.approx(0.8))
    variants = method.variants()
    for name, said in (("always", False), ("no_rejection_memory", False), ("unverified", True)):
        variant = variants[name]
        assert isinstance(variant, Verifies)
        assert variant.verdict(present, RED, SPEC).accepted is said
    assert not isinstance(variants["anything"], Verifies)


def test_where_a_rejected_object_explains_the_place_better_the_goal_is_not() -> None:
    affine = np.eye(2, 3)
    goal = Heat2D(np.array([[0.9, 0.7, 0.1]], np.float32), affine)
    alike = Heat2D(np.array([[1.0, 0.2, 0.0]], np.float32), affine)
    found = verify.without_rejected(goal, [alike])
    assert found.peak == pytest.approx(0.7)
    np.testing.assert_array_equal(np.isnan(found.values), [[True, False, False]])
    assert verify.without_rejected(goal, []) is goal
    assert verify.without_rejected(goal, [alike, goal]) is goal


def test_what_was_rejected_is_not_looked_for_in_its_own_place() -> None:
    method, context = built(), replace(box_context(), goal=RED)
    assert BLUE.image is not None
    alone = method.found(context)
    told = replace(context, rejected=(BLUE.image,))
    without = method.found(told)
    vector = unit(method.objects([BLUE.image], SPEC)[0])
    other = method.heat(context.observation.view(), vector, SPEC).values
    left = alone.values > other
    wanted = np.where(left, alone.values, np.nan) if left.any() else alone.values
    np.testing.assert_array_equal(without.values, wanted)
    # It is forgotten with the goal: nothing stays in the method.
    np.testing.assert_array_equal(method.found(context).values, alone.values)
    variant = method.variants()["no_rejection_memory"]
    assert np.array_equal(variant.plan(told).scores, method.plan(context).scores)
