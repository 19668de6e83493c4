"""Grasp2Vec in a world where the floor of each scene gives its held pictures away."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from selfgrasp.contracts.scenes import box_attempts, box_source
from selfgrasp.learn import Examples
from selfgrasp.learn.order import Order
from selfgrasp.methods.grasp2vec.config import CropConfig, Grasp2VecConfig, TowerConfig
from selfgrasp.methods.grasp2vec.examples import CHANGED, before_others, triplet_batch
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.methods.grasp2vec.network import pooled
from selfgrasp.methods.grasp2vec.npairs import retrieved
from selfgrasp.vision.square_crop import held_crop

torch.set_num_threads(1)
RNG = np.random.default_rng
CONFIG = Grasp2VecConfig(
    tower=TowerConfig(stem=16, units=(1,), channels=(32,), strides=(1,), squeeze=2),
    scene=CropConfig(24, 24, 0.06),
    held=CropConfig(16, 16, 0.16),
    jitter=0.0,
)
"""As published."""
OBJECTS = 128 + 80 * np.array([(1, -1, -1), (-1, 1, -1), (-1, -1, 1), (1, 1, 1)])
FLOORS = np.stack(np.meshgrid(*3 * [[0, 128, 255]]), axis=-1).reshape(-1, 3)
PLACES = ((3, 3), (3, 15), (15, 3), (15, 15))


def scenes_of_four(count: int, seed: int) -> Examples:
    """Scenes that hold the same four objects, taken one after another, each scene on a floor of its
    own color that also is behind what is held."""
    rng, rows = RNG(seed), range(4 * count)
    before, after = np.zeros((2, len(rows), 24, 24, 3), np.uint8)
    held, behind = np.zeros((2, len(rows), 16, 16, 3), np.uint8)
    for scene in range(count):
        places, taken = rng.permutation(4), rng.permutation(4)
        floor = FLOORS[rng.integers(len(FLOORS))]
        for nth, which in enumerate(taken):
            row = 4 * scene + nth
            before[row], after[row], held[row], behind[row] = 4 * [floor]
            held[row, 5:11, 5:11] = OBJECTS[which]
            for other in taken[nth:]:
                top, left = PLACES[places[other]]
                for picture in (before, after)[: 1 if other == which else 2]:
                    picture[row, top : top + 6, left : left + 6] = OBJECTS[other]
    columns = {
        "before": before,
        "after": after,
        "held": held,
        "behind": behind,
        "changed": np.zeros((len(held), 2)),
        "grasped": np.ones(len(rows), np.uint8),
        "scene": np.repeat(np.arange(count), 4),
    }
    return Examples(columns, np.ones(len(rows), np.float32))


def trained(config: Grasp2VecConfig, examples: Examples, steps: int) -> Grasp2Vec:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        method = Grasp2Vec(config).train()
    order = Order(len(examples), len(examples) // 16, 0, method.groups(examples))
    optimizer = torch.optim.AdamW(method.parameters(), lr=4e-3)
    for step in range(steps):
        batch = method.batch(examples, order.indices(step), RNG([0, step]), augment=True)
        optimizer.zero_grad()
        method.loss(batch).value.backward()
        optimizer.step()
    return method.eval()


def retrieval(method: Grasp2Vec, examples: Examples, rows: NDArray[np.int64]) -> float:
    """Mean share of differences that find their own held picture among `rows` (M, K)."""
    assert method.held is not None
    batch = method.batch(examples, rows.flatten(), RNG(0), augment=False)
    with torch.inference_mode():
        differences = pooled(method.scene(batch["before"])) - pooled(method.scene(batch["after"]))
        held = pooled(method.held(batch["held"]))
    of_rows = zip(differences.split(rows.shape[1]), held.split(rows.shape[1]), strict=True)
    return float(np.mean([retrieved(one, other).float().mean() for one, other in of_rows]))


def same_object(examples: Examples) -> NDArray[np.int64]:
    """(4, S) rows of each object, from the S scenes."""
    middle = examples["held"][:, 8, 8].astype(int)
    return np.stack([np.flatnonzero((middle == color).all(axis=1)) for color in OBJECTS])


def test_the_floor_is_no_key_in_batches_of_one_scene_before_other_scenes() -> None:
    examples, unseen = scenes_of_four(48, 0), scenes_of_four(16, 1)
    by_scene = np.arange(len(unseen)).reshape(-1, 4)
    plain = trained(replace(CONFIG, of_scene=1, other_background=0.0), examples, 150)
    grouped = trained(replace(CONFIG, other_background=0.0), examples, 150)
    both = trained(CONFIG, examples, 150)
    colors = replace(CONFIG, tower=replace(CONFIG.tower, color_levels=3), cosine=True)
    beside = trained(colors, examples, 150)
    # Chance is 1/4 within a scene and 1/16 among the same object of all scenes, where only floors
    # differ.
    assert retrieval(plain, unseen, by_scene) < 0.75
    assert retrieval(plain, unseen, same_object(unseen)) > 0.5
    assert retrieval(grouped, unseen, by_scene) > 0.8
    for method in (both, beside):
        assert retrieval(method, unseen, by_scene) > 0.8
        assert retrieval(method, unseen, same_object(unseen)) < 0.35


def test_what_the_arm_brought_stays_and_all_else_is_of_another_scene() -> None:
    examples = scenes_of_four(8, 0)
    rows = np.arange(32)
    seen = before_others(examples, rows, RNG(0))
    brought = np.zeros((16, 16), bool)
    brought[5:11, 5:11] = True
    assert np.array_equal(seen[:, brought], examples["held"][:, brought])
    floors, own = seen[:, ~brought], examples["behind"][:, 0, 0]
    assert (floors == floors[:, :1]).all()
    assert {tuple(floor) for floor in floors[:, 0]} <= {tuple(floor) for floor in own}
    assert (floors[:, 0] != own).any(axis=1).mean() > 0.5
    assert np.array_equal(examples["held"][:, 0, 0], own)


def test_noise_of_the_camera_is_not_what_the_arm_brought() -> None:
    examples = scenes_of_four(8, 0)
    noisy = np.clip(examples["behind"].astype(int) + CHANGED, 0, 255).astype(np.uint8)
    columns = {**examples.columns, "held": noisy, "behind": examples["behind"]}
    seen = before_others(Examples(columns, examples.weights), np.arange(32), RNG(0))
    assert {tuple(c) for c in seen[:, 8, 8]} <= {tuple(c) for c in examples["behind"][:, 8, 8]}


def test_backgrounds_change_in_training_alone_and_never_to_a_failure_s() -> None:
    examples = scenes_of_four(8, 0)
    plain = triplet_batch(examples, np.arange(32), CONFIG, RNG(0), augment=False)
    assert np.array_equal(
        ((plain["held"].permute(0, 2, 3, 1) + 1) * 127.5).round().numpy(), examples["held"]
    )
    columns = {**examples.columns, "grasped": np.zeros(32, np.uint8)}
    for kept in (0, 1):
        columns["grasped"][5] = kept
        some = Examples(columns, examples.weights)
        seen = before_others(some, np.arange(32), RNG(0))
        wanted = examples["behind"][5, 0, 0] if kept else examples["held"][:, 0, 0]
        assert (seen[:, 0, 0] == wanted).all()


def test_triplets_know_their_scene_and_what_is_behind_the_held_object() -> None:
    source = replace(box_source(3, grasps=6), shares=(1.0, 0.0, 0.0))
    held = [a for a in box_attempts(3, grasps=6) if a.outcome.grasped]
    examples = Grasp2Vec(CONFIG).examples(source, "train", RNG(0))
    scenes = [a.scene for a in held]
    same = examples["scene"][:, None] == examples["scene"]
    assert np.array_equal(same, np.equal.outer(scenes, scenes))
    attempt = held[0]
    assert attempt.present is not None
    assert attempt.after is not None
    empty = replace(attempt.present, color=attempt.after.view().color)
    behind = held_crop(empty, source.spec, CONFIG.held.size, CONFIG.held.stored_px).color
    assert np.array_equal(examples["behind"][0], behind)
    assert not np.array_equal(examples["behind"][0], examples["held"][0])


@pytest.mark.parametrize("most", [1, 4])
def test_batches_are_made_of_triplets_of_one_scene(most: int) -> None:
    examples = scenes_of_four(24, 0)
    groups = Grasp2Vec(replace(CONFIG, of_scene=most)).groups(examples)
    order = Order(len(examples), 6, 0, groups)
    found = [len(np.unique(examples["scene"][order.indices(step)])) for step in range(6)]
    assert max(found) == 4 if most == 4 else min(found) > 8
