"""The one training loop.

Every random choice is a function of (seed, step), so on a CPU an interrupted and resumed run ends
bit for bit where an uninterrupted one does.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from selfgrasp.core import SelfgraspError, Stopped, Watcher
from selfgrasp.learn import checkpoint
from selfgrasp.learn.batches import on_device, prefetched, training_batch, validation_batches
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch, Loss, Method
from selfgrasp.learn.recipe import FitConfig, Keep, learning_rate_at
from selfgrasp.learn.run import Ended, Run, RunProgress, require_run_of
from selfgrasp.learn.runlog import Means, RunLog
from selfgrasp.learn.source import DataIdentity


class NotFinite(SelfgraspError):
    """A loss or a gradient was not finite. The message names the file that holds the weights and
    the batch that led there."""


@dataclass(frozen=True)
class FitResult:
    """What training gave; the method holds the weights that were kept.

    Attributes:
        best: the checkpoint with the kept weights, the best or the last ones (`FitConfig.keep`).
        steps: taken in all.
        seconds: s of training, over all resumptions.
        metrics: of the kept weights on the validation examples, "loss" among them.
        ended: why.
    """

    best: Path
    steps: int
    seconds: float
    metrics: dict[str, float]
    ended: Ended

    @property
    def validated(self) -> str:
        """The metrics in words."""
        if not self.metrics:
            return "no validation examples: the last weights"
        return "validation: " + ", ".join(f"{k} {value:.3f}" for k, value in self.metrics.items())


MIN_VALIDATION_EXAMPLES = 64
"""Fewer validation examples choose no epoch: by the cross entropy of a handful the first epoch is
best, which is sure of nothing."""

CLIP = 5.0
"""Largest norm of a gradient; larger ones are scaled down to it."""

SAVE_SECONDS = 60.0
"""s between two states that a run can resume from; one is also kept after each validation."""


def fit(
    method: Method,
    train: Examples,
    validation: Examples | None,
    config: FitConfig,
    run_dir: Path,
    watcher: Watcher | None = None,
    *,
    stop: threading.Event | None = None,
    data: DataIdentity | None = None,
    start: str = "",
) -> FitResult:
    """Train `method` in place and leave it with the weights to keep, in evaluation mode.

    A run found in `run_dir` goes on where it was. It may have more data than before, and a larger
    budget: the learning rate then follows the new budget, and after an append the best weights are
    chosen anew, since validation losses on other examples do not compare.

    Args:
        method: freshly built, or holding the weights to go on from.
        train: examples to learn from.
        validation: examples that choose the best epoch; fewer than `MIN_VALIDATION_EXAMPLES`, or
            none, leave the last one.
        config: the recipe.
        run_dir: gets `log.jsonl`, TensorBoard events and `checkpoints/`.
        watcher: told of each step.
        stop: when set, the state is kept and `Stopped` raised.
        data: what the examples were made of; a run that goes on must have all of it. Without, the
            number of examples must stay.
        start: fingerprint of the weights that `method` came with, where they are not its own
            initial ones; a run that goes on must have the same.

    Raises:
        InputError: a run in `run_dir` with another recipe, method or start, with data that are not
            among these, or with more steps than the budget.
        NotFinite: see there.
        Stopped: see `stop`.
    """
    require_run_of(method, run_dir)
    run = Run(method, train, validation, config, run_dir, data, start)
    # Dropout draws from torch's global generator: seeded a step, and given back to the caller as it
    # was.
    with torch.random.fork_rng(), RunLog(run_dir, start=run.progress.step) as log:
        _train(run, log, watcher or Watcher(), stop)
        checkpoint.load_into(run.best, method)
    method.eval()
    p = run.progress
    assert p.ended is not None
    return FitResult(run.best, p.step, p.seconds, dict(p.best_metrics), p.ended)


def _train(run: Run, log: RunLog, watcher: Watcher, stop: threading.Event | None) -> None:
    """Steps until the run has ended."""
    clock = _Clock(run.progress.seconds)
    while run.progress.ended is None:
        if run.progress.step == run.total:
            # A budget that was lowered to where the run stands.
            _end_epoch(run, log, late=False)
            return
        run.ask_for_priorities()
        # With priorities the next epoch's order depends on what this one learns.
        end, per_epoch = run.total, run.order.per_epoch
        if run.priorities is not None:
            end = min(end, (run.progress.step // per_epoch + 1) * per_epoch)
        steps = range(run.progress.step, end)
        with closing(
            prefetched(lambda step: training_batch(run.method, run.train, run.order, step), steps)
        ) as batches:
            for batch in batches:
                _train_step(run, batch, log, watcher, clock)
                if run.progress.ended is not None:
                    return
                _keep_or_stop(run, clock, stop)


class _Clock:
    """s of training so far, over all resumptions, and when the state was last saved."""

    def __init__(self, before: float) -> None:
        self._began = self.saved = time.monotonic()
        self._before = before

    @property
    def seconds(self) -> float:
        """Of training."""
        return self._before + time.monotonic() - self._began


def _train_step(run: Run, batch: Batch, log: RunLog, watcher: Watcher, clock: _Clock) -> None:
    """One step, told to the log and the watcher; validation where it is due."""
    config, step = run.config, run.progress.step + 1
    values = _update(run, on_device(batch, run.device), step)
    seconds = clock.seconds
    run.progress = replace(run.progress, step=step, seconds=seconds)
    watcher.on_batch(step, values)
    run.means.add(values)
    late = config.max_seconds is not None and seconds >= config.max_seconds
    ends = late or step % run.validate_every == 0 or step == run.total
    if ends or step % config.log_every == 0:
        log.write(step, "train", {**run.means.take(), "seconds": seconds})
    if ends:
        _end_epoch(run, log, late=late)


def _keep_or_stop(run: Run, clock: _Clock, stop: threading.Event | None) -> None:
    """Keep the state now and then, and where the run is stopped.

    Raises:
        Stopped: `stop` is set.
    """
    if stop is not None and stop.is_set():
        run.save_state()
        raise Stopped(
            f"training stopped after step {run.progress.step} of {run.total}; the same command "
            "goes on from there"
        )
    if time.monotonic() - clock.saved > SAVE_SECONDS:
        run.save_state()
        clock.saved = time.monotonic()


def _update(run: Run, batch: Batch, step: int) -> dict[str, float]:
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
    norm = torch.nn.utils.clip_grad_norm_(method.parameters(), CLIP)
    if not torch.isfinite(norm):
        raise _not_finite(run, batch, step, "gradient")
    optimizer.step()
    with torch.no_grad():
        method.after_step(step)
    return {**_values(loss), "gradient_norm": norm.item(), "learning_rate": rate}


def _values(loss: Loss) -> dict[str, float]:
    metrics = {name: metric.item() for name, metric in loss.metrics.items()}
    return {
        "loss": loss.value.item(),
        **{name: value for name, value in metrics.items() if not math.isnan(value)},
    }


def _forward(run: Run, batch: Batch) -> Loss:
    with torch.autocast(
        run.device.type, dtype=torch.bfloat16, enabled=run.config.precision.halves(run.device)
    ):
        return run.method.loss(batch)


def _end_epoch(run: Run, log: RunLog, *, late: bool) -> None:
    """Validate, keep weights and state, and decide whether training has ended."""
    p, config = run.progress, run.config
    epoch = -(-p.step // run.order.per_epoch)
    metrics = _validate(run)
    if metrics:
        log.write(p.step, "validation", metrics)
    enough = run.validation is not None and len(run.validation) >= MIN_VALIDATION_EXAMPLES
    chooses = enough and config.keep is Keep.BEST
    loss = metrics["loss"] if chooses else float("inf")
    if not chooses or loss < p.best_loss:
        p = replace(p, best_loss=loss, best_epoch=epoch, best_metrics=metrics)
        checkpoint.save(run.best, run.method, data=run.fingerprint, metrics=metrics)
    if late:
        p = replace(p, ended=Ended.TIME)
    elif p.step >= run.total:
        p = replace(p, ended=Ended.EPOCHS if config.steps is None else Ended.STEPS)
    elif config.patience is not None and epoch - p.best_epoch >= config.patience:
        p = replace(p, ended=Ended.PATIENCE)
    if p.ended is not None:
        _calibrate(run, p)
    run.progress = p
    run.save_state()


def _validate(run: Run) -> dict[str, float]:
    if run.validation is None:
        return {}
    means = Means()
    run.method.eval()
    with torch.inference_mode():
        for batch in validation_batches(
            run.method, run.validation, batch=run.config.batch, device=run.device
        ):
            means.add(_values(run.method.loss(batch)), len(next(iter(batch.values()))))
    return means.take()


def _calibrate(run: Run, progress: RunProgress) -> None:
    """Let the kept weights calibrate themselves on the validation examples, and save the
    result."""
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
    checkpoint.save(run.best, run.method, data=run.fingerprint, metrics=progress.best_metrics)


def _not_finite(run: Run, batch: Batch, step: int, what: str) -> NotFinite:
    path = run.state.parent / "not_finite.safetensors"
    tensors = {f"batch.{k}": v for k, v in batch.items()} | {
        f"model.{k}": v for k, v in run.method.state_dict().items()
    }
    checkpoint.write_tensors(path, tensors, {**run.facts, "step": step, "what": what})
    return NotFinite(
        f"the {what} of step {step} is not finite; weights and batch that led there: {path}"
    )
