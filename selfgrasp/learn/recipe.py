"""How long and how fast to train: the config of `fit`, its optimisers and its schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import torch

from selfgrasp.core import InputError


class Optimizer(StrEnum):
    """Which update rule."""

    ADAMW = "adamw"
    SGD = "sgd"


class Schedule(StrEnum):
    """How the learning rate falls with progress (0 to 1): along a cosine to zero, or not at all."""

    COSINE = "cosine"
    CONSTANT = "constant"


class Keep(StrEnum):
    """Which weights training leaves: those of the best validation loss, or the last ones.

    Of a bootstrapped target (Q-learning) the validation loss says nothing: keep the last ones.
    """

    BEST = "best"
    LAST = "last"


class Precision(StrEnum):
    """bfloat16 autocast where a GPU supports it, also where a CPU has instructions for it (twice as
    fast for convolutions), or float32 everywhere."""

    AUTO = "auto"
    ALSO_CPU = "also_cpu"
    FLOAT32 = "float32"

    def halves(self, device: torch.device) -> bool:
        """Whether forward passes on the device are in bfloat16."""
        if self is Precision.FLOAT32:
            return False
        if device.type == "cuda":
            return bool(torch.cuda.is_bf16_supported())
        # Older releases of torch do not tell.
        able: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return self is Precision.ALSO_CPU and bool(able.get("avx512_bf16") or able.get("amx_bf16"))


@dataclass(frozen=True)
class FitConfig:
    """A training recipe. What ends first, `epochs` or `steps`, `max_seconds` or `patience`, ends
    training.

    Attributes:
        epochs: passes over the examples; not read where `steps` is given.
        steps: updates in all, whatever the number of examples; None to count epochs. The same
            number and the same seed give the same weights.
        max_seconds: s of training, over all resumptions; None for no limit. A run that the clock
            ended is not bit-identical when repeated.
        patience: epochs without a better validation loss; None to never stop early.
        keep: which weights are left.
        batch: examples a step, give or take the remainder, which is spread over the epoch's
            batches.
        optimizer: the update rule.
        learning_rate: at its highest.
        weight_decay: decoupled for AdamW. Vectors (biases, normalisation) are spared.
        momentum: of SGD, and AdamW's first beta.
        schedule: of the learning rate.
        warmup: share of training in which the rate rises from 0.
        seed: of order, augmentation and dropout.
        device: "auto", "cpu", "cuda", "cuda:1" ...
        precision: of the forward pass.
        log_every: steps between two lines of the log.
    """

    epochs: int = 20
    steps: int | None = None
    max_seconds: float | None = None
    patience: int | None = None
    keep: Keep = Keep.BEST
    batch: int = 128
    optimizer: Optimizer = Optimizer.ADAMW
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    momentum: float = 0.9
    schedule: Schedule = Schedule.COSINE
    warmup: float = 0.03
    seed: int = 0
    device: str = "auto"
    precision: Precision = Precision.AUTO
    log_every: int = 20

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "batch", "learning_rate", "log_every"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise InputError(given=f"{name} = {value}", wanted="a number above 0")
        if self.patience is not None and self.keep is Keep.LAST:
            raise InputError(
                given=f"patience = {self.patience} with keep = {self.keep.value}",
                wanted=f"keep = {Keep.BEST.value}: patience counts epochs by their validation loss",
            )

    def epoch_steps(self, examples: int) -> int:
        """Steps of one pass over so many examples."""
        return max(1, round(examples / self.batch))

    def total_steps(self, examples: int) -> int:
        """Steps of the whole training on so many examples."""
        return self.epochs * self.epoch_steps(examples) if self.steps is None else self.steps


def learning_rate_at(progress: float, config: FitConfig) -> float:
    """The learning rate at `progress`, 0 (start) to 1 (end)."""
    if progress < config.warmup:
        return config.learning_rate * max(progress, 1e-3) / config.warmup
    if config.schedule is Schedule.COSINE:
        return (
            config.learning_rate
            * 0.5
            * (1 + math.cos(math.pi * min(1.0, (progress - config.warmup) / (1 - config.warmup))))
        )
    return config.learning_rate


def optimizer_of(
    parameters: Iterable[torch.nn.Parameter], config: FitConfig
) -> torch.optim.Optimizer:
    """The optimiser, with weight decay on matrices and kernels alone."""
    trained = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if config.optimizer is Optimizer.SGD:
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(config.momentum, 0.999))


def device_of(name: str) -> torch.device:
    """The torch device called `name`; "auto" is a GPU where there is one.

    Raises:
        InputError: a device this machine lacks.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = [
        "auto",
        "cpu",
        *(["cuda"] if torch.cuda.is_available() else []),
        *(f"cuda:{i}" for i in range(torch.cuda.device_count())),
    ]
    if name not in known:
        raise InputError(
            given=f"device {name!r}", wanted="a device of this machine", exists=", ".join(known)
        )
    return torch.device(name)
