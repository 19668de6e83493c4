"""The shared training tools, on a method whose answer is known: a line fitted to points."""

import json
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from selfgrasp.contracts.scenes import box_source
from selfgrasp.core import InputError, Plan, Stopped, Watcher
from selfgrasp.learn import (
    DeclaredSource,
    Ended,
    Examples,
    FitConfig,
    Loss,
    Method,
    NotFinite,
    Optimizer,
    Schedule,
    fit,
)
from selfgrasp.learn.batches import prefetched
from selfgrasp.learn.fit import MIN_VALIDATION_EXAMPLES
from selfgrasp.learn.order import Order
from selfgrasp.learn.recipe import learning_rate_at

torch.set_num_threads(1)


@dataclass(frozen=True)
class LineConfig:
    dropout: float = 0.2


class Line(Method):
    """y = a x + b, with dropout and batch normalisation, so that a resumed run must restore
    both."""

    name = "line"

    def __init__(self, config: LineConfig) -> None:
        super().__init__()
        self.config = config
        self.net = torch.nn.Sequential(
            torch.nn.Linear(1, 8),
            torch.nn.BatchNorm1d(8),
            torch.nn.ReLU(),
            torch.nn.Dropout(config.dropout),
            torch.nn.Linear(8, 1),
        )
        self.calibrated = 0

    def gather(self, source, split, rng):
        source.label("truth.secret")
        return points(4)

    def batch(self, examples, indices, rng, *, augment):
        x = examples["x"][indices] + (
            rng.normal(0, 0.01, len(indices)).astype(np.float32) if augment else 0
        )
        return {
            "x": torch.from_numpy(x)[:, None],
            "y": torch.from_numpy(examples["y"][indices])[:, None],
        }

    def loss(self, batch):
        value = ((self.net(batch["x"]) - batch["y"]) ** 2).mean()
        return Loss(value, {"root": value.detach().sqrt()})

    def calibrate(self, batches):
        self.calibrated = sum(len(b["x"]) for b in batches)

    def plan(self, context):
        return Plan.nothing("a line")


def points(n=200, seed=0) -> Examples:
    x = np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32)
    return Examples({"x": x, "y": 2 * x + 1}, np.ones(n, np.float32))


def line(seed=0) -> Line:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Line(LineConfig())


CONFIG = FitConfig(epochs=6, batch=32, learning_rate=0.02, device="cpu", log_every=4)


def test_a_line_is_learned_and_the_run_can_be_read(tmp_path: Path):
    method = line()
    result = fit(method, points(), points(50, seed=1), CONFIG, tmp_path)
    lines = [json.loads(text) for text in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in lines if entry["part"] == "validation"]
    assert len(losses) == 6
    assert losses[-1] < 0.2 * losses[0]
    assert result.metrics["loss"] == pytest.approx(min(losses), abs=1e-5)
    assert result.ended is Ended.EPOCHS
    assert result.steps == 6 * 6
    assert method.calibrated == 50
    assert not method.training
    assert list((tmp_path / "tensorboard").glob("events*"))


@pytest.mark.parametrize("optimizer", list(Optimizer))
@pytest.mark.parametrize("stop_at", [9, 12])
def test_interrupted_and_resumed_equals_uninterrupted(
    tmp_path: Path, optimizer: Optimizer, stop_at: int
):
    config = FitConfig(**{**vars(CONFIG), "optimizer": optimizer})
    whole, halves = line(), line()
    fit(whole, points(), points(50, seed=1), config, tmp_path / "whole")

    stop = threading.Event()

    class StopLater(Watcher):
        def on_batch(self, step, values):
            if step == stop_at:
                stop.set()

    with pytest.raises(Stopped, match=f"after step {stop_at} of 36"):
        fit(
            halves,
            points(),
            points(50, seed=1),
            config,
            tmp_path / "halves",
            StopLater(),
            stop=stop,
        )
    resumed = line(seed=7)
    fit(resumed, points(), points(50, seed=1), config, tmp_path / "halves")
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    parts = ((tmp_path / f / "log.jsonl").read_text() for f in ("whole", "halves"))
    one, two = (
        [json.loads(text) for text in part.splitlines() if "validation" in text] for part in parts
    )
    assert one == two


def test_a_finished_run_is_not_trained_again(tmp_path: Path):
    fit(line(), points(), None, CONFIG, tmp_path)
    heard = []

    class Hear(Watcher):
        def on_batch(self, step, values):
            heard.append(step)

    fit(line(3), points(), None, CONFIG, tmp_path, Hear())
    assert heard == []


def test_another_recipe_in_the_same_folder_is_refused(tmp_path: Path):
    fit(line(), points(), None, CONFIG, tmp_path)
    with pytest.raises(InputError, match=r"'learning_rate': 0\.5"):
        fit(line(), points(), None, FitConfig(**{**vars(CONFIG), "learning_rate": 0.5}), tmp_path)


def test_the_clock_ends_training(tmp_path: Path):
    config = FitConfig(**{**vars(CONFIG), "epochs": 100_000, "max_seconds": 0.3})
    result = fit(line(), points(), points(50, seed=1), config, tmp_path)
    assert result.ended is Ended.TIME
    assert 0.3 <= result.seconds < 2


def test_patience_ends_training_and_the_best_weights_stay(tmp_path: Path):
    config = FitConfig(
        **{
            **vars(CONFIG),
            "epochs": 100,
            "patience": 2,
            "learning_rate": 0.5,
            "schedule": Schedule.CONSTANT,
        }
    )
    method, validation = line(), points(MIN_VALIDATION_EXAMPLES, seed=1)
    result = fit(method, points(), validation, config, tmp_path)
    assert result.ended is Ended.PATIENCE
    with torch.inference_mode():
        loss = float(
            method.loss(
                method.batch(
                    validation,
                    np.arange(MIN_VALIDATION_EXAMPLES),
                    np.random.default_rng(0),
                    augment=False,
                )
            ).value
        )
    assert loss == pytest.approx(result.metrics["loss"], rel=1e-4)


def test_a_handful_of_validation_examples_is_measured_and_chooses_nothing(tmp_path: Path):
    few = points(MIN_VALIDATION_EXAMPLES - 1, seed=1)
    # The first epoch is the best one by these.
    few.columns["y"][:] = 0.0
    result = fit(line(), points(), few, CONFIG, tmp_path)
    losses = [
        json.loads(text)["loss"]
        for text in (tmp_path / "log.jsonl").read_text().splitlines()
        if '"validation"' in text
    ]
    assert result.metrics["loss"] == pytest.approx(losses[-1])
    assert losses[-1] > min(losses)


def test_the_state_that_led_to_a_nan_is_kept(tmp_path: Path):
    from safetensors.torch import load_file

    y = points()["y"].copy()
    y[17] = np.inf
    spoilt = Examples({"x": points()["x"], "y": y}, np.ones(200, np.float32))
    with pytest.raises(NotFinite, match=r"loss of step \d is not finite.*not_finite\.safetensors"):
        fit(line(), spoilt, None, CONFIG, tmp_path)
    kept = load_file(tmp_path / "checkpoints" / "not_finite.safetensors")
    assert not torch.isfinite(kept["batch.y"]).all()
    assert all(torch.isfinite(t).all() for name, t in kept.items() if name.startswith("model."))


def test_training_leaves_the_global_generator_alone(tmp_path: Path):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    fit(line(), points(), None, CONFIG, tmp_path)
    assert torch.equal(torch.rand(3), wanted)


def test_every_example_is_seen_once_an_epoch():
    order = Order(103, 3, seed=3)
    first = np.concatenate([order.indices(step) for step in range(order.per_epoch)])
    second = np.concatenate(
        [order.indices(step) for step in range(order.per_epoch, 2 * order.per_epoch)]
    )
    assert sorted(first) == sorted(second) == list(range(103))
    assert list(first) != list(second)


def test_an_error_on_the_thread_is_raised_where_it_is_read():
    def make(item):
        raise ValueError(f"item {item}")

    with closing(prefetched(make, range(3))) as batches, pytest.raises(ValueError, match="item 0"):
        next(batches)


def test_what_is_not_asked_for_is_not_done_and_a_few_are_done_ahead():
    made: list[int] = []

    def make(item):
        made.append(item)
        return {"x": torch.tensor([item])}

    with closing(prefetched(make, range(100))) as batches:
        assert [int(next(batches)["x"]) for _ in range(3)] == [0, 1, 2]
    assert made == list(range(len(made)))
    assert 3 <= len(made) <= 7


def test_schedules_by_hand():
    config = FitConfig(learning_rate=1.0, warmup=0.1)
    assert learning_rate_at(0.05, config) == pytest.approx(0.5)
    assert learning_rate_at(0.1, config) == pytest.approx(1.0)
    assert learning_rate_at(0.55, config) == pytest.approx(0.5)
    assert learning_rate_at(1.0, config) == pytest.approx(0.0)


def test_undeclared_labels_are_unreadable():
    source = box_source(1, grasps=2)
    with pytest.raises(InputError, match=r"label 'truth\.secret' read by line.*declared: none"):
        line().examples(source, "train", np.random.default_rng(0))
    assert DeclaredSource(source, ("truth.secret",), "x").label("truth.secret")


def test_a_state_group_falls_into_one_part():
    source = box_source(12, grasps=3)
    parts = [{a.state_group for a in source.attempts(split)} for split in ("train", "validation")]
    assert not parts[0] & parts[1]
    assert source.len_of("train") + source.len_of("validation") == 36


def test_examples_refuse_columns_of_different_lengths():
    with pytest.raises(InputError, match=r"\{'x': 3\}.*4 rows"):
        Examples({"x": np.zeros(3)}, np.ones(4, np.float32))
    both = Examples.concatenate([points(4), points(6)])
    assert len(both) == 10
