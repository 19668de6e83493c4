"""The one training loop.

Every random choice is a function of (seed, step), so on a CPU an interrupted and resumed run ends
bit for bit where an uninterrupted one does.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch

from selfgrasp.core import InputError, SelfgraspError, Stopped, Watcher
from selfgrasp.learn import checkpoint, configs
from selfgrasp.learn.batches import Order, on_device, prefetched, training_batch, validation_batches
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch, Loss, Method
from selfgrasp.learn.recipe import FitConfig, device_of, learning_rate_at, optimizer_of
from selfgrasp.learn.runlog import RunLog


class NotFinite(SelfgraspError):
    """A loss or a gradient was not finite. The message names the file that holds the weights and
    the batch that led there."""


class Ended(StrEnum):
    """Why training ended."""

    EPOCHS = "epochs"
    TIME = "time"
    PATIENCE = "patience"


@dataclass(frozen=True)
class FitResult:
    """What training gave; the method holds the best weights.

    Attributes:
        best: the best checkpoint.
        steps: taken in all.
        seconds: s of training, over all resumptions.
        metrics: of the best checkpoint on the validation examples, "loss" among them.
        ended: why.
    """

    best: Path
    steps: int
    seconds: float
    metrics: dict[str, float]
    ended: Ended


STATE = Path("checkpoints") / "state.safetensors"
"""In a run's folder: what an interrupted run goes on from."""


ENOUGH = 64
"""Validation examples that can choose an epoch. By the cross entropy of a handful the first epoch
is best, which knows nothing and is sure of nothing."""


@dataclass(frozen=True)
class _Progress:
    """Where a run stands; saved with each state."""

    step: int = 0
    seconds: float = 0.0
    best_loss: float = float("inf")
    best_epoch: int = -1
    best_metrics: dict[str, float] = field(default_factory=dict)
    ended: Ended | None = None


def fit(
    method: Method,
    train: Examples,
    validation: Examples | None,
    config: FitConfig,
    run_dir: Path,
    watcher: Watcher | None = None,
    *,
    stop: threading.Event | None = None,
    data: str = "",
    start: str = "",
) -> FitResult:
    """Train `method` in place and leave it with its best weights, in evaluation mode.

    Args:
        method: freshly built, or holding the weights to go on from.
        train: examples to learn from.
        validation: examples that choose the best epoch; fewer than `ENOUGH`, or none, leave the
            last one.
        config: the recipe.
        run_dir: gets `log.jsonl`, TensorBoard events and `checkpoints/`. A run found there is
            resumed.
        watcher: told of each step.
        stop: when set, the state is kept and `Stopped` raised.
        data: fingerprint of the data, kept in checkpoints; a resumed run must have the same.
        start: fingerprint of the weights that `method` came with, where they are not its own
            initial ones; likewise.

    Raises:
        InputError: a run with another recipe, method, start or data in `run_dir`.
        NotFinite: see there.
        Stopped: see `stop`.
    """
    run = _Run(method, train, validation, config, run_dir, data, start)
    # Dropout draws from torch's global generator: seeded a step, and given back to the caller as it
    # was.
    with torch.random.fork_rng(), RunLog(run_dir, start=run.progress.step) as log:
        while run.progress.ended is None:
            _train(run, log, watcher or Watcher(), stop)
        checkpoint.load_into(run.best, method)
    method.eval()
    p = run.progress
    assert p.ended is not None
    return FitResult(run.best, p.step, p.seconds, dict(p.best_metrics), p.ended)


class _Run:
    """A method in training, with what is needed to keep and resume it."""

    def __init__(
        self,
        method: Method,
        train: Examples,
        validation: Examples | None,
        config: FitConfig,
        folder: Path,
        data: str,
        start: str,
    ) -> None:
        self.method, self.train, self.config, self.data, self.start = (
            method,
            train,
            config,
            data,
            start,
        )
        self.validation = validation if validation is not None and len(validation) else None
        self.device = device_of(config.device)
        self.best, self.state = folder / "checkpoints" / "best.safetensors", folder / STATE
        self.order = Order(len(train), config.batch, config.seed)
        self.total = self.order.per_epoch * config.epochs
        method.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = optimizer_of(method.parameters(), config)
        self.progress = self._resumed() if self.state.is_file() else _Progress()

    @property
    def facts(self) -> dict[str, Any]:
        """What must be equal for a run to be resumed."""
        method = {
            "name": self.method.name,
            "version": self.method.version,
            "config": configs.to_json(self.method.config),
        }
        recipe = {
            k: v
            for k, v in configs.to_json(self.config).items()
            if k not in ("device", "log_every", "save_seconds")
        }
        return {
            "of": method,
            "recipe": recipe,
            "start": self.start,
            "data": self.data,
            "examples": len(self.train),
        }

    def save_state(self) -> None:
        """Keep everything that `_resumed` needs."""
        tensors = {f"model.{k}": v for k, v in self.method.state_dict().items()}
        tensors |= {
            f"optimizer.{k}": v for k, v in checkpoint.optimizer_tensors(self.optimizer).items()
        }
        p = self.progress
        progress = {**vars(p), "best_loss": p.best_loss if p.best_epoch >= 0 else None}
        checkpoint.write_tensors(self.state, tensors, {**self.facts, "progress": progress})

    def _resumed(self) -> _Progress:
        tensors, facts = checkpoint.read_tensors(self.state)
        progress = facts.pop("progress")
        differs = [k for k, v in self.facts.items() if k in facts and facts[k] != v]
        if differs:
            given, kept = _apart(
                {k: self.facts[k] for k in differs}, {k: facts[k] for k in differs}
            )
            raise InputError(
                given=f"{given}",
                wanted=f"what {self.state} was trained with, or another folder",
                exists=f"{kept}",
            )
        self.method.load_state_dict(
            {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        )
        checkpoint.load_optimizer(
            self.optimizer,
            {
                k.removeprefix("optimizer."): v
                for k, v in tensors.items()
                if k.startswith("optimizer.")
            },
        )
        if progress["best_loss"] is None:
            progress["best_loss"] = float("inf")
        return _Progress(
            **{**progress, "ended": None if progress["ended"] is None else Ended(progress["ended"])}
        )


def _apart(one: dict[str, Any], other: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those entries of both in which they differ, also of dicts within."""
    found: tuple[dict[str, Any], dict[str, Any]] = {}, {}
    for key in (k for k in {**one, **other} if one.get(k) != other.get(k)):
        a, b = one.get(key), other.get(key)
        found[0][key], found[1][key] = (
            _apart(a, b) if isinstance(a, dict) and isinstance(b, dict) else (a, b)
        )
    return found


def _train(run: _Run, log: RunLog, watcher: Watcher, stop: threading.Event | None) -> None:
    """Steps until the run has ended."""
    config, per_epoch = run.config, run.order.per_epoch
    began, before = time.monotonic(), run.progress.seconds
    saved = began
    means = _Means()
    with closing(
        prefetched(
            lambda step: training_batch(run.method, run.train, run.order, step),
            range(run.progress.step, run.total),
        )
    ) as batches:
        for batch in batches:
            step = run.progress.step + 1
            values = _step(run, on_device(batch, run.device), step)
            seconds = before + time.monotonic() - began
            run.progress = replace(run.progress, step=step, seconds=seconds)
            watcher.on_batch(step, values)
            means.add(values)
            late = config.max_seconds is not None and seconds >= config.max_seconds
            if step % config.log_every == 0 or step % per_epoch == 0 or late:
                log.write(step, "train", {**means.take(), "seconds": seconds})
            if step % per_epoch == 0 or late:
                _end_epoch(run, log, late=late)
            if run.progress.ended is not None:
                return
            if stop is not None and stop.is_set():
                run.save_state()
                raise Stopped(
                    f"training stopped after step {step} of {run.total}; the same command goes "
                    "on from there"
                )
            if time.monotonic() - saved > config.save_seconds:
                run.save_state()
                saved = time.monotonic()


def _step(run: _Run, batch: Batch, step: int) -> dict[str, float]:
    """One update; the numbers it gave."""
    config, method, optimizer = run.config, run.method, run.optimizer
    spent = 0.0 if config.max_seconds is None else run.progress.seconds / config.max_seconds
    rate = learning_rate_at(max((step - 1) / run.total, spent), config)
    for group in optimizer.param_groups:
        group["lr"] = rate
    torch.manual_seed(config.seed * 1_000_003 + step)
    method.train()
    optimizer.zero_grad(set_to_none=True)
    loss = _forward(run, batch)
    if not torch.isfinite(loss.value):
        raise _not_finite(run, batch, step, "loss")
    loss.value.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(method.parameters(), config.clip)
    if not torch.isfinite(norm):
        raise _not_finite(run, batch, step, "gradient")
    optimizer.step()
    return {**_values(loss), "gradient_norm": norm.item(), "learning_rate": rate}


def _values(loss: Loss) -> dict[str, float]:
    metrics = {name: metric.item() for name, metric in loss.metrics.items()}
    return {
        "loss": loss.value.item(),
        **{name: value for name, value in metrics.items() if not math.isnan(value)},
    }


def _forward(run: _Run, batch: Batch) -> Loss:
    with torch.autocast(
        run.device.type, dtype=torch.bfloat16, enabled=run.config.precision.halves(run.device)
    ):
        return run.method.loss(batch)


def _end_epoch(run: _Run, log: RunLog, *, late: bool) -> None:
    """Validate, keep the best weights and the state, and decide whether training has ended."""
    p, epoch = run.progress, -(-run.progress.step // run.order.per_epoch)
    metrics = _validate(run)
    if metrics:
        log.write(p.step, "validation", metrics)
    enough = run.validation is not None and len(run.validation) >= ENOUGH
    loss = metrics["loss"] if enough else -float(epoch)
    if loss < p.best_loss:
        p = replace(p, best_loss=loss, best_epoch=epoch, best_metrics=metrics)
        checkpoint.save(run.best, run.method, data=run.data, metrics=metrics)
    if late:
        p = replace(p, ended=Ended.TIME)
    elif p.step >= run.total:
        p = replace(p, ended=Ended.EPOCHS)
    elif run.config.patience is not None and epoch - p.best_epoch >= run.config.patience:
        p = replace(p, ended=Ended.PATIENCE)
    if p.ended is not None:
        _calibrate(run, p)
    run.progress = p
    run.save_state()


def _validate(run: _Run) -> dict[str, float]:
    if run.validation is None:
        return {}
    means = _Means()
    run.method.eval()
    with torch.inference_mode():
        for batch in validation_batches(
            run.method, run.validation, batch=run.config.batch, device=run.device
        ):
            means.add(_values(run.method.loss(batch)), len(next(iter(batch.values()))))
    return means.take()


def _calibrate(run: _Run, progress: _Progress) -> None:
    """Let the best weights calibrate themselves on the validation examples, and keep what came of
    it."""
    if run.validation is None:
        return
    checkpoint.load_into(run.best, run.method)
    run.method.eval()
    with torch.inference_mode():
        run.method.calibrate(
            validation_batches(
                run.method, run.validation, batch=run.config.batch, device=run.device
            )
        )
    checkpoint.save(run.best, run.method, data=run.data, metrics=progress.best_metrics)


def _not_finite(run: _Run, batch: Batch, step: int, what: str) -> NotFinite:
    path = run.state.parent / "not_finite.safetensors"
    tensors = {f"batch.{k}": v for k, v in batch.items()} | {
        f"model.{k}": v for k, v in run.method.state_dict().items()
    }
    checkpoint.write_tensors(path, tensors, {**run.facts, "step": step, "what": what})
    return NotFinite(
        f"the {what} of step {step} is not finite; weights and batch that led there: {path}"
    )


class _Means:
    """Weighted means of named numbers, emptied by `take`; not every one need be there each time."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = defaultdict(float)
        self._weights: dict[str, float] = defaultdict(float)

    def add(self, values: dict[str, float], weight: float = 1.0) -> None:
        for name, value in values.items():
            self._sums[name] += value * weight
            self._weights[name] += weight

    def take(self) -> dict[str, float]:
        means = {name: value / self._weights[name] for name, value in self._sums.items()}
        self.__init__()  # type: ignore[misc]
        return means
