"""A training in a run's folder: what it is made of, where it stands, and the state from which an
interrupted one goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import InputError
from selfgrasp.core.errors import first_line
from selfgrasp.learn import checkpoint, configs
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.method import Method
from selfgrasp.learn.order import Order
from selfgrasp.learn.recipe import FitConfig, device_of, optimizer_of
from selfgrasp.learn.runlog import Means
from selfgrasp.learn.source import DataIdentity

STATE = Path("checkpoints") / "state.safetensors"
"""In a run's folder: what an interrupted run goes on from."""

FOLDERS = ("checkpoints", "tensorboard")
"""In a run's folder: those that training writes to."""

VALIDATIONS = 20
"""About how often a run of a given number of steps validates: at the end of an epoch or of several,
so that few examples and many steps do not spend their time on validation and files."""

_BUDGET = ("epochs", "steps", "max_seconds", "patience")
"""Fields of the recipe that say how long; a run goes on when they are raised."""
_NOT_COMPARED = (*_BUDGET, "device", "log_every")


class Ended(StrEnum):
    """Why training ended."""

    EPOCHS = "epochs"
    STEPS = "steps"
    TIME = "time"
    PATIENCE = "patience"


@dataclass(frozen=True)
class RunProgress:
    """Where a run stands; saved with each state."""

    step: int = 0
    seconds: float = 0.0
    best_loss: float = float("inf")
    best_epoch: int = -1
    best_metrics: dict[str, float] = field(default_factory=dict)
    ended: Ended | None = None


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


class Run:
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
        per_epoch = config.epoch_steps(len(train))
        self.order = Order(len(train), per_epoch, config.seed, method.groups(train))
        self.total = config.total_steps(len(train))
        self.validate_every = _validate_every(config, self.order.per_epoch)
        self.priorities: NDArray[np.float64] | None = None
        self.means = Means()
        method.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = optimizer_of(method.parameters(), config)
        self.progress = self._resumed() if self.state.is_file() else RunProgress()

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

    def _resumed(self) -> RunProgress:
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

    def _restored(self, tensors: dict[str, torch.Tensor], facts: Mapping[str, Any]) -> RunProgress:
        attempts = tensors.pop("data.attempts", None)
        self._require_same(facts, None if attempts is None else attempts.numpy())
        kept = _progress(facts["progress"])
        if self.total < kept.step:
            raise InputError(
                given=f"a budget of {self.total} steps",
                wanted=f"at least the {kept.step} steps that {self.state} has behind it",
            )
        weights = _named(tensors, "model.")
        checkpoint.load_weights(self.method, weights, self.state)
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


def _progress(stored: Mapping[str, Any]) -> RunProgress:
    """From its JSON values.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, or of another type.
    """
    step, seconds, loss, epoch, metrics, ended = (stored[f.name] for f in fields(RunProgress))
    numbers = [step, seconds, epoch, *metrics.values(), *([] if loss is None else [loss])]
    if any(type(number) not in (int, float) for number in numbers):
        raise TypeError(f"progress {dict(stored)!r:.80}")
    if type(step) is not int or step < 0 or type(epoch) is not int or not 0 <= seconds < math.inf:
        raise ValueError(f"step {step!r:.40}, epoch {epoch!r:.40}, seconds {seconds!r:.40}")
    return RunProgress(
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
