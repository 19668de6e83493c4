"""The goal-conditioned network of Grasp2Vec: triples of attempts, goals and rewards, what is
learned from them in a world of colors, and how motions are scored."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from selfgrasp.contracts.scenes import box_attempts, box_context, box_spec
from selfgrasp.core import Goal, View
from selfgrasp.learn import Examples, MemorySource, configs, save
from selfgrasp.learn.hindsight import NOTHING, Labels
from selfgrasp.methods import registry
from selfgrasp.methods.grasp2vec.config import (
    PRESETS,
    CropConfig,
    GoalConfig,
    Grasp2VecConfig,
    TowerConfig,
)
from selfgrasp.methods.grasp2vec.examples import cuts_of, normalised_batch
from selfgrasp.methods.grasp2vec.goals import achieved, goal_batch, similarity_of
from selfgrasp.methods.grasp2vec.localise import cells_of
from selfgrasp.methods.grasp2vec.match import MatchScorer, goal_features
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.methods.grasp2vec.pictures import middle, place_px, scene_crop

torch.set_num_threads(1)
RNG = np.random.default_rng
COLORS = np.array(
    [[230, 40, 40], [40, 230, 40], [40, 40, 230], [230, 230, 40], [40, 230, 230]], np.uint8
)
SMALL_GOAL = GoalConfig()
CORNERS = np.array([[14, 14], [38, 14], [14, 38], [38, 38]])
"""px, x and y in stored pictures of the bin, of the middle of what lies there."""
TINY = Grasp2VecConfig(
    tower=TowerConfig(stem=8, units=(1,), channels=(len(COLORS),), strides=(1,), squeeze=1),
    scene=CropConfig(48, 52, 0.06),
    held=CropConfig(16, 20, 0.16),
    jitter=0.05,
    goal=SMALL_GOAL,
)


def with_goal(**changes: object) -> Grasp2VecConfig:
    return replace(TINY, goal=replace(SMALL_GOAL, **changes))


def built(config: Grasp2VecConfig = TINY) -> Grasp2Vec:
    method = registry.build("grasp2vec", config=config)
    assert isinstance(method, Grasp2Vec)
    return method


def bins(colors_A4: np.ndarray) -> np.ndarray:
    """(A, 52, 52, 3) pictures of bins, gray, with things of four colors."""
    pictures = np.full((len(colors_A4), 52, 52, 3), 128, np.uint8)
    for picture, colors in zip(pictures, colors_A4, strict=True):
        for (x, y), color in zip(CORNERS, colors, strict=True):
            picture[y - 6 : y + 6, x - 6 : x + 6] = COLORS[color]
    return pictures


def world(count: int, rng: np.random.Generator) -> Examples:
    """Attempts at things of one color each, four to a scene; three of four hold theirs. The picture
    of what is held has its color, and so has the place."""
    colors_A4 = np.array([rng.permutation(len(COLORS))[:4] for _ in range(count // 4)])
    object_of, held = colors_A4.ravel(), np.arange(count) % 4 != 3
    picture = np.broadcast_to(COLORS[object_of][:, None, None], (count, 20, 20, 3))
    vector = np.eye(len(COLORS), dtype=np.float32)[object_of]
    return Examples(
        {
            "first": bins(colors_A4).repeat(4, axis=0),
            "place": np.tile(CORNERS, (count // 4, 1)).astype(np.float32),
            "anything": np.where(held, 3.0, -1.0).astype(np.float32),
            "held": picture * held[:, None, None, None].astype(np.uint8),
            "behind": np.full((count, 20, 20, 3), 128, np.uint8),
            "asked": np.zeros((count, 20, 20, 3), np.uint8),
            "held_vector": vector * held[:, None],
            "asked_vector": np.zeros_like(vector),
            "grasped": held.astype(np.uint8),
            "has_asked": np.zeros(count, np.uint8),
            "scene": np.arange(count) // 4,
            "object": object_of.astype(np.int64),
        },
        np.ones(count, np.float32),
    )


def told_apart(config: Grasp2VecConfig, steps: int = 200) -> float:
    """Share of pairs of the goal's own place and another one of the same bin of which the first is
    likelier to give the goal, after training."""
    rng, examples = RNG(0), world(80, RNG(1))
    torch.manual_seed(0)
    method, goal = built(config), config.goal
    assert goal is not None
    match = method.match
    assert match is not None
    optimizer = torch.optim.AdamW(match.parameters(), lr=3e-3)
    method.train()
    for _ in range(steps):
        rows = rng.permutation(len(examples))[:32]
        batch = goal_batch(examples, rows, config, goal, rng, augment=True)
        optimizer.zero_grad()
        method.loss(batch).value.backward()
        optimizer.step()
    method.eval()
    colors_A4 = np.array([RNG(2 + a).permutation(len(COLORS))[:4] for a in range(20)])
    place = torch.from_numpy(cells_of(CORNERS - 2.0, config.tower.stride)).float()
    with torch.inference_mode():
        assert match.places is not None
        assert match.pictures is not None
        maps = match.places.features(normalised_batch(bins(colors_A4)[:, 2:-2, 2:-2]))
        shown = np.tile(COLORS[:, None, None], (1, 16, 16, 1))
        goals = goal_features(match.pictures, normalised_batch(shown))[colors_A4]
        logs_A44 = torch.stack(
            [
                torch.stack([match(maps, goals[:, k], one.expand(20, 2)) for one in place], dim=1)
                for k in range(4)
            ],
            dim=1,
        )
    own = logs_A44.diagonal(dim1=1, dim2=2)[..., None]
    return float((own > logs_A44)[:, ~torch.eye(4, dtype=torch.bool)].float().mean())


@pytest.mark.parametrize(
    "config",
    [
        with_goal(labels=Labels.SIMILARITY),
        with_goal(labels=Labels.SIMILARITY_AUXILIARY),
        with_goal(labels=Labels.SIMILARITY, truth=True),
    ],
    ids=["similarity", "auxiliary", "truth"],
)
def test_goals_are_where_their_color_is(config: Grasp2VecConfig) -> None:
    assert told_apart(config, 0) < 0.7
    assert told_apart(config) == 1.0


def test_over_vectors_only_attention_and_reach_learn() -> None:
    match = built(with_goal(embedded=True)).match
    assert match is not None
    learning = {name for name, one in match.named_parameters() if one.requires_grad}
    assert learning == {"log_scale", "log_reach", "floor"}


def test_a_reward_is_what_is_within_reach_and_of_the_rest_the_floor() -> None:
    match = built().match
    assert match is not None
    heat = torch.zeros(1, 1, 2)
    with torch.inference_mode():
        match.log_reach.fill_(-5.0)
        match.floor.fill_(0.0)
        place = torch.tensor([[0.5, 0.5], [9.0, 9.0]])
        # Two places get as much attention, and the grasp reaches one of them, or none.
        share = match.within_reach(heat, place).exp().tolist()
        features = torch.ones(2, 1)
        reward = match(torch.zeros(2, 1, 1, 2), features, place).exp().tolist()
    assert share == pytest.approx([0.5, 0.0])
    assert reward == pytest.approx([0.75, 0.5])


def test_pictures_of_goals_that_were_asked_for_are_another_half_of_all() -> None:
    examples = world(8, RNG(0))
    examples.columns["has_asked"][5] = 1
    done = achieved(examples, SMALL_GOAL)
    assert done.held.tolist() == [0, 1, 2, NOTHING, 4, 5, 6, NOTHING]
    assert done.asked.tolist() == [NOTHING] * 5 + [8 + 5] + [NOTHING] * 2
    examples.columns["asked_vector"][5] = 2 * examples["held_vector"][1]
    alike = similarity_of(examples, SMALL_GOAL)(np.array([1, 0]), np.array([13, 13]))
    assert alike.tolist() == pytest.approx([1.0, 0.0])
    # Nobody says what a goal from elsewhere shows: rewards by truth leave it out.
    truth = replace(SMALL_GOAL, truth=True)
    assert achieved(examples, truth).asked.tolist() == [NOTHING] * 8


@pytest.mark.parametrize("augment", [False, True])
def test_a_batch_holds_the_picture_of_each_goal(augment: bool) -> None:
    examples = world(8, RNG(0))
    examples.columns["asked"][3] = 90
    examples.columns["has_asked"][3] = 1
    config = with_goal(labels=Labels.POSTHOC)
    assert config.goal is not None
    batch = goal_batch(examples, np.array([0, 3]), config, config.goal, RNG(0), augment=augment)
    assert batch["reward"].tolist() == [1.0, 0.0]
    assert batch["grasped"].tolist() == [1.0, 0.0]
    assert batch["goal"].shape == (2, 3, 16, 16)
    assert batch["scene"].shape == (2, 3, 48, 48)
    assert batch["scene_of"].tolist() == [0, 1]
    if not augment:
        np.testing.assert_allclose(
            (batch["goal"][:, :, 8, 8].numpy() + 1) * 127.5,
            [COLORS[examples["object"][0]], [90] * 3],
            atol=1e-4,
        )


def test_places_move_with_the_picture() -> None:
    examples, rng = world(8, RNG(0)), RNG(3)
    for _ in range(5):
        cuts = cuts_of(8, TINY.scene, rng, augment=True)
        pictures, px = cuts.squares(examples["first"]), cuts.px(examples["place"])
        seen = [
            picture[round(y - 0.5), round(x - 0.5)]
            for picture, (x, y) in zip(pictures, px, strict=True)
        ]
        np.testing.assert_array_equal(seen, COLORS[examples["object"]])


def test_a_place_is_in_the_cell_of_the_map_that_attention_has_there() -> None:
    view, spec, method = box_context().observation.view(), box_spec(), built()
    places = np.array([[0.05, -0.07], [-0.1, 0.1]])
    px = place_px(places, view, spec)
    crop = middle(scene_crop(view, spec, TINY.scene), TINY.scene.px)
    heat = method.heat_by(method.scene, view, np.ones(TINY.tower.channels[-1]), spec)
    np.testing.assert_allclose(
        heat.cells(px), cells_of(crop.px_of(px), TINY.tower.stride), atol=1e-9
    )


def test_every_attempt_that_closed_is_gathered_with_what_it_held_and_was_asked_for() -> None:
    spec, attempts = box_spec(), box_attempts(6)[:6]
    picture = View.uncalibrated(np.full((40, 30, 3), 90, np.uint8))
    attempts = [replace(attempts[0], goal=Goal(image=picture)), *attempts[1:]]
    source = MemorySource(attempts, spec, shares=(1.0, 0.0, 0.0))
    method = built()
    examples = method.gather(source, "train", RNG(0))
    assert len(examples) == len(attempts)
    assert examples["has_asked"].tolist() == [1, 0, 0, 0, 0, 0]
    shown = [one.outcome.grasped and one.present is not None for one in attempts]
    assert examples["grasped"].astype(bool).tolist() == shown
    np.testing.assert_allclose(
        examples["asked_vector"][0], method.objects([picture], spec)[0], atol=1e-5
    )
    assert np.isfinite(examples["anything"]).all()


def test_frozen_networks_are_part_of_the_key_and_do_not_learn() -> None:
    method = built()
    before = method.examples_key
    assert before == built_alike(method).examples_key
    with torch.no_grad():
        next(method.scene.parameters()).add_(1)
    assert method.examples_key != before
    learning = {name.split(".")[0] for name, p in method.named_parameters() if p.requires_grad}
    assert learning == {"match"}
    method.train()
    assert not any(part.training for part in (method.eye, method.judge, method.scene))
    assert method.match is not None
    assert method.match.training


def built_alike(method: Grasp2Vec) -> Grasp2Vec:
    other = built()
    other.load_state_dict(method.state_dict())
    return other


def test_the_towers_come_from_a_run_of_the_same_method(tmp_path: Path) -> None:
    towers = built(replace(TINY, goal=None))
    file = tmp_path / "towers.safetensors"
    save(file, towers)
    method = built()
    method.load_trunk(file)
    for name in ("scene", "held"):
        for mine, theirs in zip(
            getattr(method, name).parameters(), getattr(towers, name).parameters(), strict=True
        ):
            torch.testing.assert_close(mine, theirs)


def test_the_network_begins_as_the_towers(tmp_path: Path) -> None:
    towers = built(replace(TINY, goal=None, tower=replace(TINY.tower, color_levels=3)))
    file = tmp_path / "towers.safetensors"
    save(file, towers)
    method = built(replace(TINY, tower=towers.config.tower))
    method.load_trunk(file)
    method.eval()
    match, picture = method.match, torch.rand(2, 3, 16, 16) * 2 - 1
    assert match is not None
    for mine, theirs in ((match.places, method.scene), (match.pictures, method.held)):
        assert mine is not None
        assert theirs is not None
        with torch.inference_mode():
            torch.testing.assert_close(
                mine.features(picture), theirs.features(picture), rtol=0, atol=0
            )


def test_reports_name_true_rewards_and_no_others() -> None:
    for name, preset in PRESETS.items():
        told = Grasp2Vec.privileged_labels(configs.to_json(preset()))
        assert told == (("truth.object",) if name.endswith("goal_truth") else ())


class Constant:
    def __init__(self, logits: list[float]) -> None:
        self._logits = np.array(logits)

    def logits(self, poses: np.ndarray) -> np.ndarray:
        return self._logits[: len(poses)]

    careful_logits = logits


def test_the_score_is_the_product_of_both_probabilities() -> None:
    context, method = box_context(), built()
    view, spec = context.observation.view(), context.spec
    heat = method.heat_by(method.scene, view, np.ones(TINY.tower.channels[-1]), spec)
    match = method.match
    assert match is not None
    values = np.full_like(heat.values, np.nan)
    there = np.array([0.05, 0.0])
    column, row = heat.cells(place_px(there[None], view, spec))[0].astype(int)
    values[row, column] = 1.0
    heat, poses = replace(heat, values=values), np.array([[*there, 0], [0.06, 0, 1], [-0.1, 0, 0]])
    certain = MatchScorer(Constant([60.0] * 3), match, heat, view, spec).logits(poses)
    p = 1 / (1 + np.exp(-certain))
    # All attention is on one place: within reach of the first two.
    assert p[0] > 0.9
    assert p[1] > 0.9
    assert p[2] < 1e-3
    anything = [0.0, 2.0, -3.0]
    for score in ("logits", "careful_logits"):
        scorer = MatchScorer(Constant(anything), match, heat, view, spec)
        both = 1 / (1 + np.exp(-getattr(scorer, score)(poses)))
        np.testing.assert_allclose(both, p / (1 + np.exp(-np.array(anything))), rtol=1e-5)


@pytest.mark.parametrize("embedded", [False, True])
def test_goals_one_or_several_are_grasped_by_the_network_or_near_the_peak(embedded: bool) -> None:
    method = built(with_goal(embedded=embedded))
    red, green = (
        Goal(image=View.uncalibrated(np.full((30, 30, 3), color, np.uint8))) for color in COLORS[:2]
    )
    context = box_context()
    for goal in (red, Goal(any_of=(red, green))):
        asked = replace(context, goal=goal)
        with torch.inference_mode():
            method.eval()
            scorer = method.scorer(asked)
        assert isinstance(scorer, MatchScorer)
        assert method.plan(asked).actions
    asked = replace(context, goal=red)
    attended = method.found(asked)
    assert method.with_config(replace(method.config, goal=None)).found(asked) is not attended
    near = method.variants()["near"]
    assert near.plan(replace(context, goal=red)).actions
    # The variant took nothing from the method.
    assert isinstance(method.scorer(replace(context, goal=red)), MatchScorer)
    assert not isinstance(method.scorer(context), MatchScorer)


@pytest.mark.parametrize("preset", [name for name in PRESETS if "goal" in name])
def test_presets_build(preset: str) -> None:
    make: Callable[[], Grasp2VecConfig] = PRESETS[preset]
    assert make().goal is not None
