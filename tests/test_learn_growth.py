"""Training on data that grow: budgets, priorities, target networks, and what may go on."""

import json
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_learn import CONFIG, Line, LineConfig, line, points

from selfgrasp.core import InputError, Plan, Stopped, Watcher
from selfgrasp.learn import (
    DataIdentity,
    Ended,
    Examples,
    FitConfig,
    Keep,
    Loss,
    Method,
    Optimizer,
    Schedule,
    checkpoint,
    fit,
)
from selfgrasp.learn.order import Order
from selfgrasp.learn.run import STATE
from selfgrasp.learn.target import TargetNetwork

torch.set_num_threads(1)
STEPS = replace(CONFIG, steps=40)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    weights = other.state_dict()
    return all(torch.equal(tensor, weights[name]) for name, tensor in one.state_dict().items())


def attempts(*numbers: int) -> DataIdentity:
    return DataIdentity(np.array(numbers, np.int64))


class StopAt(Watcher):
    """Sets `event` after a step."""

    def __init__(self, step: int) -> None:
        self.step, self.event = step, threading.Event()

    def on_batch(self, step, values):
        if step == self.step:
            self.event.set()


def stopped(method: Method, train: Examples, config: FitConfig, run: Path, step: int, **more):
    watcher = StopAt(step)
    with pytest.raises(Stopped):
        fit(method, train, None, config, run, watcher, stop=watcher.event, **more)


def test_a_budget_in_steps_wins_over_epochs_and_gives_the_same_weights(tmp_path: Path):
    one, other, more = line(), line(), line()
    result = fit(one, points(), points(80, seed=1), STEPS, tmp_path / "one")
    assert (result.steps, result.ended) == (40, Ended.STEPS)
    fit(other, points(), points(80, seed=1), replace(STEPS, epochs=1), tmp_path / "other")
    assert same(one, other)
    fit(more, points(), points(80, seed=1), replace(STEPS, steps=41), tmp_path / "more")
    assert not same(one, more)


def test_many_steps_on_few_examples_validate_about_twenty_times(tmp_path: Path):
    config = replace(CONFIG, steps=1000, log_every=500)
    fit(line(), points(64), points(64, seed=1), config, tmp_path)
    lines = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text().splitlines()]
    at = [entry["step"] for entry in lines if entry["part"] == "validation"]
    assert len(at) == 20
    assert at[-1] == 1000


def test_the_last_weights_are_kept_where_the_recipe_says_so(tmp_path: Path):
    # By these the first epoch is the best one.
    wrong = Examples({**points(80).columns, "y": np.zeros(80, np.float32)}, np.ones(80, np.float32))
    results = {}
    for keep in Keep:
        config = replace(CONFIG, keep=keep)
        results[keep] = fit(line(), points(), wrong, config, tmp_path / keep).metrics["loss"]
    lines = [json.loads(t) for t in (tmp_path / "last" / "log.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in lines if entry["part"] == "validation"]
    assert results[Keep.BEST] == pytest.approx(min(losses), abs=1e-5)
    assert results[Keep.LAST] == pytest.approx(losses[-1], abs=1e-5)
    assert losses[-1] > min(losses)
    with pytest.raises(InputError, match="patience = 3 with keep = last"):
        FitConfig(patience=3, keep=Keep.LAST)


def test_a_finished_run_goes_on_when_its_data_have_grown(tmp_path: Path):
    fit(line(), points(), None, CONFIG, tmp_path, data=attempts(1, 2))
    result = fit(line(), points(400), None, CONFIG, tmp_path, data=attempts(3, 1, 2))
    # Six epochs of 12 steps, 36 of which were taken before.
    assert (result.steps, result.ended) == (72, Ended.EPOCHS)


def test_a_run_that_goes_on_with_more_keeps_what_it_learned(tmp_path: Path):
    config = replace(CONFIG, steps=60, schedule=Schedule.CONSTANT)
    first = line()
    fit(first, points(), None, replace(config, steps=30), tmp_path, data=attempts(1, 2))
    second = line(5)
    stopped(second, points(400), config, tmp_path, 31, data=attempts(1, 2, 3))
    moved = max(
        float((a - b).detach().abs().max())
        for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )
    assert 0 < moved < 0.1
    assert not same(line(5), second)


def test_after_an_append_the_best_weights_are_chosen_anew(tmp_path: Path):
    train, easy = points(), points(80, seed=1)
    hard = Examples({**easy.columns, "y": easy["y"] + 10}, easy.weights)
    fit(line(), train, easy, CONFIG, tmp_path, data=attempts(1))
    grown = fit(line(), points(400), hard, CONFIG, tmp_path, data=attempts(1, 2))
    # No loss on the harder examples is below the best one on the easy ones.
    assert grown.metrics["loss"] > 50


@pytest.mark.parametrize(
    ("data", "size", "message"),
    [
        (attempts(1, 7, 8), 400, r"other data: 1 of the 2 attempts .* among these 3.*another fold"),
        (attempts(1, 2), 150, r"other data: 0 of the 2 .*150 examples.*at least 200 examples"),
        (None, 201, r"201 examples of which attempts is not known.*the 200 that"),
    ],
)
def test_a_run_does_not_go_on_with_other_data(tmp_path: Path, data, size: int, message: str):
    stopped(line(), points(), CONFIG, tmp_path, 9, data=attempts(1, 2))
    with pytest.raises(InputError, match=message):
        fit(line(), points(size), None, CONFIG, tmp_path, data=data)


def test_a_larger_budget_goes_on_and_a_smaller_one_is_refused(tmp_path: Path):
    fit(line(), points(), None, STEPS, tmp_path)
    assert fit(line(), points(), None, replace(STEPS, steps=50), tmp_path).steps == 50
    with pytest.raises(InputError, match=r"budget of 45 steps.*at least the 50 steps"):
        fit(line(), points(), None, replace(STEPS, steps=45), tmp_path)


def test_a_state_of_an_earlier_release_goes_on(tmp_path: Path):
    """It has no attempts, knows recipe fields that are gone, and lacks those that came since."""
    whole, halves = line(), line()
    fit(whole, points(), None, CONFIG, tmp_path / "whole")
    stopped(halves, points(), CONFIG, tmp_path / "halves", 9)
    tensors, facts = checkpoint.read_tensors(tmp_path / "halves" / STATE)
    recipe = {k: v for k, v in facts["recipe"].items() if k not in ("steps", "keep", "max_seconds")}
    recipe |= {"step_factor": 0.1, "clip": 5.0}
    checkpoint.write_tensors(
        tmp_path / "halves" / STATE, tensors, {**facts, "recipe": recipe, "data": "0123abcd"}
    )
    resumed = line(7)
    fit(resumed, points(), None, CONFIG, tmp_path / "halves", data=attempts(1, 2))
    assert same(whole, resumed)


@dataclass(frozen=True)
class Renamed(LineConfig):
    """A config that was written with the field `drop` by an earlier release."""

    @staticmethod
    def upgraded(data):
        return {"dropout" if name == "drop" else name: value for name, value in data.items()}


def test_a_state_with_a_config_of_an_earlier_release_goes_on(tmp_path: Path):
    first = Line(Renamed())
    stopped(first, points(), CONFIG, tmp_path, 9)
    tensors, facts = checkpoint.read_tensors(tmp_path / STATE)
    for name in ("drop", "drip"):
        of = {**facts["of"], "config": {name: 0.2}}
        checkpoint.write_tensors(tmp_path / STATE, tensors, {**facts, "of": of})
        if name == "drop":
            assert fit(Line(Renamed()), points(), None, CONFIG, tmp_path).steps == 36
        else:
            with pytest.raises(InputError, match=r"'drip': 0\.2"):
                fit(Line(Renamed()), points(), None, CONFIG, tmp_path)


class Counting(Line):
    """Hears of each step."""

    def __init__(self) -> None:
        super().__init__(line().config)
        self.heard: list[int] = []

    def after_step(self, step: int) -> None:
        assert not torch.is_grad_enabled()
        self.heard.append(step)


def test_the_hook_is_called_after_each_step_also_of_a_resumed_run(tmp_path: Path):
    method = Counting()
    stopped(method, points(), STEPS, tmp_path, 9)
    assert method.heard == list(range(1, 10))
    resumed = Counting()
    fit(resumed, points(), None, STEPS, tmp_path)
    assert resumed.heard == list(range(10, 41))


class Prioritized(Line):
    """Draws examples by how wrong it is on them."""

    def priorities(self, examples):
        x = torch.from_numpy(examples["x"])[:, None]
        wrong = (self.net(x)[:, 0].numpy() - examples["y"]) ** 2
        return wrong + 1e-3


@pytest.mark.parametrize("stop_at", [9, 12])
def test_a_resumed_run_draws_by_the_priorities_of_its_epoch(tmp_path: Path, stop_at: int):
    def made(seed: int) -> Prioritized:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return Prioritized(line().config)

    whole, resumed = made(0), made(9)
    fit(whole, points(), points(80, seed=1), CONFIG, tmp_path / "whole")
    stopped(made(0), points(), CONFIG, tmp_path / "halves", stop_at)
    fit(resumed, points(), points(80, seed=1), CONFIG, tmp_path / "halves")
    assert same(whole, resumed)
    assert not same(whole, line())


def test_without_priorities_the_order_is_a_shuffle_as_it_always_was():
    order = Order(7, 2, seed=4)
    for epoch in range(3):
        wanted = np.random.default_rng([4, 1, epoch]).permutation(7)
        given = [order.indices(2 * epoch), order.indices(2 * epoch + 1)]
        np.testing.assert_array_equal(np.concatenate(given), wanted)


def test_priorities_are_how_often_an_example_is_drawn():
    order = Order(4, 2, seed=0)
    order.prioritize(np.array([0.0, 1.0, 1.0, 6.0]))
    drawn = np.concatenate([order.indices(step) for step in range(4000)])
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, [0, 0.125, 0.125, 0.75], atol=0.02)
    for wrong, message in (
        ([1.0, 2.0], r"shape \(2,\).*wanted: 4 finite numbers"),
        ([1.0, np.nan, 1.0, 1.0], "1 of them not finite"),
        ([1.0, -2.0, 1.0, 1.0], "priorities from -2 to 1"),
        ([0.0] * 4, "from 0 to 0"),
    ):
        with pytest.raises(InputError, match=message):
            order.prioritize(np.array(wrong))


def test_a_target_follows_by_hard_copies_or_by_shares():
    network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1))
    torch.nn.init.constant_(network[0].weight, 0.0)
    hard, soft = TargetNetwork(network, every=3), TargetNetwork(network, rate=0.25)
    assert not any(p.requires_grad for p in hard.parameters())
    assert not hard.train().network.training
    torch.nn.init.constant_(network[0].weight, 8.0)
    network(torch.ones(4, 1))
    values = []
    for step in (1, 2, 3):
        hard.follow(network, step)
        soft.follow(network, step)
        values.append((hard.network[0].weight.item(), soft.network[0].weight.item()))
    assert values == [(0.0, 2.0), (0.0, 3.5), (8.0, 4.625)]
    assert int(hard.network[1].num_batches_tracked) == 1
    with pytest.raises(InputError, match=r"every = 0, rate = 2"):
        TargetNetwork(network, every=0, rate=2.0)


GAMMA = 0.5
"""Discount of the decision process below.

Two states, two actions. In state 0, action 0 leads to state 1 for nothing, action 1 ends with 1. In
state 1, action 0 ends with 4, action 1 leads to state 0 for nothing. By hand: Q(1, 0) = 4, so
Q(0, 0) = 0.5 * 4 = 2, above Q(0, 1) = 1; so Q(1, 1) = 0.5 * 2 = 1.
"""
TRANSITIONS = np.array(
    [[0, 0, 0, 1, 0], [0, 1, 1, 0, 1], [1, 0, 4, 1, 1], [1, 1, 0, 0, 0]], np.float32
)
"""State, action, reward, next state, end."""
VALUES = [[2.0, 1.0], [4.0, 1.0]]


@dataclass(frozen=True)
class TableConfig:
    every: int = 5


class Table(Method):
    """Q-learning of a table from a replay buffer, with a target network and prioritised replay."""

    name = "table"

    def __init__(self, config: TableConfig) -> None:
        super().__init__()
        self.config = config
        self.values = torch.nn.Embedding(2, 2)
        torch.nn.init.zeros_(self.values.weight)
        self.target = TargetNetwork(self.values, every=config.every)

    def gather(self, source, split, rng):
        return transitions(1)

    def batch(self, examples, indices, rng, *, augment):
        return {"transition": torch.from_numpy(examples["transition"][indices])}

    def _error(self, rows: torch.Tensor) -> torch.Tensor:
        state, action, reward, after, end = rows.unbind(1)
        value = self.values(state.long())[torch.arange(len(rows)), action.long()]
        best = self.target(after.long()).max(dim=1).values
        return reward + GAMMA * (1 - end) * best - value

    def loss(self, batch):
        return Loss(self._error(batch["transition"]).square().mean())

    def after_step(self, step: int) -> None:
        self.target.follow(self.values, step)

    def priorities(self, examples):
        return self._error(torch.from_numpy(examples["transition"])).abs().numpy() + 0.01

    def plan(self, context):
        return Plan.nothing("a table")


def transitions(copies: int) -> Examples:
    rows = np.tile(TRANSITIONS, (copies, 1))
    return Examples({"transition": rows}, np.ones(len(rows), np.float32))


def test_a_bootstrapped_method_learns_the_values_worked_out_by_hand(tmp_path: Path):
    config = FitConfig(
        steps=400,
        keep=Keep.LAST,
        batch=16,
        optimizer=Optimizer.SGD,
        momentum=0.0,
        learning_rate=0.3,
        weight_decay=0.0,
        schedule=Schedule.CONSTANT,
        device="cpu",
    )
    method = Table(TableConfig())
    # A first round knows only the ends; then the data grow by what leads there.
    first = Examples({"transition": TRANSITIONS[[1, 2]].repeat(8, 0)}, np.ones(16, np.float32))
    fit(method, first, None, replace(config, steps=200), tmp_path, data=attempts(1))
    np.testing.assert_allclose(method.values.weight.detach(), [[0, 1], [4, 0]], atol=0.01)
    grown = Table(TableConfig())
    result = fit(grown, transitions(16), transitions(16), config, tmp_path, data=attempts(1, 2))
    assert result.ended is Ended.STEPS
    np.testing.assert_allclose(grown.values.weight.detach(), VALUES, atol=0.01)
    np.testing.assert_allclose(grown.target.network.weight, VALUES, atol=0.01)
