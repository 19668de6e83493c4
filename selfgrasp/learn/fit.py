"""The one training loop.

Every random choice is a function of (seed, step), so on a CPU an interrupted and resumed run ends
bit for bit where an uninterrupted one does.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import InputError, SelfgraspError, Stopped, Watcher
from selfgrasp.core.errors import first_line
from selfgrasp.learn import checkpoint, configs
from selfgrasp.learn.batches import Order, on_device, prefetched, training_batch, validation_batches
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Batch, Loss, Method
from selfgrasp.learn.recipe import FitConfig, Keep, device_of, learning_rate_at, optimizer_of
from selfgrasp.learn.runlog import RunLog
from selfgrasp.learn.source import DataIdentity


class NotFinite(SelfgraspError):
    """A loss or a gradient was not finite. The message names the file that holds the weights and
    the batch that led there."""


class Ended(StrEnum):
    """Why training ended."""

    EPOCHS = "epochs"
    STEPS = "steps"
    TIME = "time"
    PATIENCE = "patience"


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


STATE = Path("checkpoints") / "state.safetensors"
"""In a run's folder: what an interrupted run goes on from."""


MIN_VALIDATION_EXAMPLES = 64
"""Fewer validation examples choose no epoch: by the cross entropy of a handful the first epoch is
best, which is sure of nothing."""

CLIP = 5.0
"""Largest norm of a gradient; larger ones are scaled down to it."""

SAVE_SECONDS = 60.0
"""s between two states that a run can resume from; one is also kept after each validation."""

VALIDATIONS = 20
"""About how often a run of a given number of steps validates: at the end of an epoch or of several,
so that few examples and many steps do not spend their time on validation and files."""

_BUDGET = ("epochs", "steps", "max_seconds", "patience")
"""Fields of the recipe that say how long; a run goes on when they are raised."""
_NOT_COMPARED = (*_BUDGET, "device", "log_every")


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
    run = _Run(method, train, validation, config, run_dir, data, start)
    # Dropout draws from torch's global generator: seeded a step, and given back to the caller as it
    # was.
    with torch.random.fork_rng(), RunLog(run_dir, start=run.progress.step) as log:
        _train(run, log, watcher or Watcher(), stop)
        checkpoint.load_into(run.best, method)
    method.eval()
    p = run.progress
    assert p.ended is not None
    return FitResult(run.best, p.step, p.seconds, dict(p.best_metrics), p.ended)


def require_run_of(method: Method, folder: Path) -> None:
    """Nothing where no run has begun in `folder`.

    Raises:
        InputError: a run of another method is there, or a state that names none.
    """
    if not (folder / STATE).is_file():
        return
    described = checkpoint.read_tensors(folder / STATE, tensors=False)[1].get("of")
    held = described.get("name") if isinstance(described, Mapping) else described
    if held != method.name:
        raise InputError(
            given=f"a training of {method.name} into {folder}",
            wanted="another folder",
            exists=f"{folder} is a run of {held}",
        )


class _Run:
    """A method in training, with what is needed to keep and resume it."""

    def __init__(
        self,
        method: Method,
        train: Examples,
        validation: Examples | None,
        config: FitConfig,
        folder: Path,
        data: DataIdentity | None,
        start: str,
    ) -> None:
        self.method, self.train, self.config = method, train, config
        self.data, self.start = data, start
        self.validation = validation if validation is not None and len(validation) else None
        self.device = device_of(config.device)
        self.best, self.state = folder / "checkpoints" / "best.safetensors", folder / STATE
        self.order = Order(len(train), config.epoch_steps(len(train)), config.seed)
        self.total = config.total_steps(len(train))
        self.validate_every = _validate_every(config, self.order.per_epoch)
        self.priorities: NDArray[np.float64] | None = None
        self.means = _Means()
        method.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = optimizer_of(method.parameters(), config)
        self.progress = self._resumed() if self.state.is_file() else _Progress()

    @property
    def facts(self) -> dict[str, Any]:
        """What says which run this is; `_require_same` compares it."""
        method = {
            "name": self.method.name,
            "version": self.method.version,
            "config": configs.to_json(self.method.config),
        }
        return {
            "of": method,
            "recipe": configs.to_json(self.config),
            "start": self.start,
            "data": self.fingerprint,
            "examples": len(self.train),
        }

    @property
    def fingerprint(self) -> str:
        """Of the data; empty where nobody says what they are."""
        return "" if self.data is None else self.data.fingerprint

    def save_state(self) -> None:
        """Keep everything that `_resumed` needs."""
        tensors = {f"model.{k}": v for k, v in self.method.state_dict().items()}
        tensors |= {
            f"optimizer.{k}": v for k, v in checkpoint.optimizer_tensors(self.optimizer).items()
        }
        if self.data is not None:
            tensors["data.attempts"] = torch.from_numpy(self.data.attempts)
        if self.priorities is not None:
            tensors["order.priorities"] = torch.from_numpy(self.priorities)
        p = self.progress
        progress = {**vars(p), "best_loss": p.best_loss if math.isfinite(p.best_loss) else None}
        checkpoint.write_tensors(self.state, tensors, {**self.facts, "progress": progress})

    def ask_for_priorities(self) -> None:
        """Ask the method for the next epoch's, unless this epoch's came with the state."""
        if self.priorities is None or self.progress.step % self.order.per_epoch == 0:
            self.method.eval()
            with torch.inference_mode():
                found = self.method.priorities(self.train)
            self.priorities = None if found is None else np.array(found, dtype=np.float64)
        if self.priorities is not None:
            self.order.prioritize(self.priorities)

    def _resumed(self) -> _Progress:
        """Where the state in the folder stands.

        Raises:
            InputError: no state, or one of another run.
        """
        tensors, facts = checkpoint.read_tensors(self.state)
        try:
            return self._restored(tensors, facts)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError(
                given=f"{self.state} with a wrong or missing value: {first_line(error)}",
                wanted="the state of an unfinished run (delete it to begin anew)",
            ) from error

    def _restored(self, tensors: dict[str, torch.Tensor], facts: Mapping[str, Any]) -> _Progress:
        attempts = tensors.pop("data.attempts", None)
        self._require_same(facts, None if attempts is None else attempts.numpy())
        kept = _progress(facts["progress"])
        if self.total < kept.step:
            raise InputError(
                given=f"a budget of {self.total} steps",
                wanted=f"at least the {kept.step} steps that {self.state} has behind it",
            )
        weights = _named(tensors, "model.")
        checkpoint.require_finite(weights, self.state)
        self.method.load_state_dict(weights)
        checkpoint.load_optimizer(self.optimizer, _named(tensors, "optimizer."))
        grown = len(self.train) > int(facts["examples"])
        if "order.priorities" in tensors and not grown:
            self.priorities = _priorities(tensors["order.priorities"], len(self.train))
        now, then = self.facts["recipe"], facts["recipe"]
        longer = any(then.get(name) != now[name] for name in _BUDGET)
        spent = self.config.max_seconds is not None and kept.seconds >= self.config.max_seconds
        if kept.ended is not None and (not (grown or longer) or kept.step == self.total or spent):
            return kept
        kept = replace(kept, ended=None)
        return replace(kept, best_loss=float("inf"), best_epoch=-1) if grown else kept

    def _require_same(self, facts: Mapping[str, Any], attempts: NDArray[np.int64] | None) -> None:
        """Compare with the facts of the state in the folder.

        Raises:
            InputError: another method, recipe or start, or data that are not all among these.
        """
        facts = {**facts, "of": self._upgraded(facts["of"])}
        fresh = configs.to_json(FitConfig())
        compared = [name for name in fresh if name not in _NOT_COMPARED]
        now, then = self.facts, {**facts, "recipe": {**fresh, **facts["recipe"]}}
        for each in (now, then):
            each["recipe"] = {name: each["recipe"][name] for name in compared}
        differs = [key for key in ("of", "recipe", "start") if now[key] != then[key]]
        if differs:
            given, kept = _differences({k: now[k] for k in differs}, {k: then[k] for k in differs})
            raise InputError(
                given=f"{given}",
                wanted=f"what {self.state} was trained with, or another folder",
                exists=f"{kept}",
            )
        if self.data is None or attempts is None:
            # A state of an earlier release knows the number of examples alone.
            if len(self.train) != facts["examples"]:
                raise InputError(
                    given=f"{len(self.train)} examples of which attempts is not known",
                    wanted=f"the {facts['examples']} that {self.state} was trained with, or another"
                    " folder",
                )
            return
        missing = self.data.missing(attempts)
        if missing or len(self.train) < facts["examples"]:
            raise InputError(
                given=f"other data: {missing} of the {len(attempts)} attempts that {self.state} "
                f"was trained with are not among these {len(self.data.attempts)}, or their labels "
                f"changed; {len(self.train)} examples",
                wanted=f"the same attempts and more, at least {facts['examples']} examples, or "
                "another folder",
            )

    def _upgraded(self, method: Mapping[str, Any]) -> Mapping[str, Any]:
        """A method as a state describes it, with the config as this release writes it."""
        try:
            config = configs.from_json(type(self.method.config), method["config"])
        except InputError:
            # Of another method: the comparison says so.
            return method
        return {**method, "config": configs.to_json(config)}


def _validate_every(config: FitConfig, per_epoch: int) -> int:
    """Steps between two validations, a whole number of epochs."""
    if config.steps is None:
        return per_epoch
    return per_epoch * max(1, round(config.steps / (VALIDATIONS * per_epoch)))


def _named(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Those whose names begin with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _differences(
    one: dict[str, object], other: dict[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Those entries of both in which they differ, also of dicts within."""
    found: tuple[dict[str, object], dict[str, object]] = {}, {}
    for key in (k for k in {**one, **other} if one.get(k) != other.get(k)):
        a, b = one.get(key), other.get(key)
        found[0][key], found[1][key] = (
            _differences(a, b) if isinstance(a, dict) and isinstance(b, dict) else (a, b)
        )
    return found


def _train(run: _Run, log: RunLog, watcher: Watcher, stop: threading.Event | None) -> None:
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


def _progress(stored: Mapping[str, Any]) -> _Progress:
    """From its JSON values.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, or of another type.
    """
    step, seconds, loss, epoch, metrics, ended = (stored[f.name] for f in fields(_Progress))
    numbers = [step, seconds, epoch, *metrics.values(), *([] if loss is None else [loss])]
    if any(type(number) not in (int, float) for number in numbers):
        raise TypeError(f"progress {dict(stored)!r:.80}")
    if type(step) is not int or step < 0 or type(epoch) is not int or not 0 <= seconds < math.inf:
        raise ValueError(f"step {step!r:.40}, epoch {epoch!r:.40}, seconds {seconds!r:.40}")
    return _Progress(
        step=step,
        seconds=seconds,
        best_loss=math.inf if loss is None else loss,
        best_epoch=epoch,
        best_metrics=metrics,
        ended=None if ended is None else Ended(ended),
    )


def _priorities(stored: torch.Tensor, examples: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = stored.numpy()
    if found.shape != (examples,) or not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError(f"priorities of shape {found.shape}")
    return found


class _Clock:
    """s of training so far, over all resumptions, and when the state was last saved."""

    def __init__(self, before: float) -> None:
        self._began = self.saved = time.monotonic()
        self._before = before

    @property
    def seconds(self) -> float:
        """Of training."""
        return self._before + time.monotonic() - self._began


def _train_step(run: _Run, batch: Batch, log: RunLog, watcher: Watcher, clock: _Clock) -> None:
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


def _keep_or_stop(run: _Run, clock: _Clock, stop: threading.Event | None) -> None:
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


def _update(run: _Run, batch: Batch, step: int) -> dict[str, float]:
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


def _forward(run: _Run, batch: Batch) -> Loss:
    with torch.autocast(
        run.device.type, dtype=torch.bfloat16, enabled=run.config.precision.halves(run.device)
    ):
        return run.method.loss(batch)


def _end_epoch(run: _Run, log: RunLog, *, late: bool) -> None:
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
