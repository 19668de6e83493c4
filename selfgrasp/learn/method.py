"""What every learned system is: a torch module that decides like any policy and learns from
attempts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.common.split import Split
from selfgrasp.core import Context, InputError, Plan, Policy
from selfgrasp.learn import configs
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.order import Groups
from selfgrasp.learn.recipe import FitConfig
from selfgrasp.learn.source import DeclaredSource, Source

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Loss:
    """What a batch cost.

    Attributes:
        value: () tensor to differentiate.
        metrics: name to () tensor, detached; means over the batch, NaN where it has nothing to say
            of one.
    """

    value: torch.Tensor
    metrics: Mapping[str, torch.Tensor] = field(default_factory=dict)


class Method(torch.nn.Module, ABC):
    """A policy that learns. Subclasses are built from their frozen config alone and set the class
    attributes.

    Attributes:
        name: the folder's name, and how checkpoints and reports call it.
        version: raised when a checkpoint of an earlier version can no longer be loaded.
        reads_labels: every label that `gather` reads; undeclared ones cannot be read.
        reads_candidates: whether `gather` makes its examples of `source.candidates`, row numbers of
            it in a column, rather than of attempts.
        config: the frozen dataclass that the network was built from.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    reads_labels: ClassVar[tuple[str, ...]] = ()
    reads_candidates: ClassVar[bool] = False
    config: Any

    @property
    def privileged(self) -> tuple[str, ...]:
        """The declared labels that a real robot could not have sensed."""
        return self.privileged_labels(configs.to_json(self.config))

    @classmethod
    def privileged_labels(cls, config: Mapping[str, Any]) -> tuple[str, ...]:
        """As `privileged`, without a network; of a config as JSON values. All declared ones, unless
        the method knows better."""
        return tuple(label for label in cls.reads_labels if label.startswith("truth."))

    @property
    def device(self) -> torch.device:
        """Where the parameters lie."""
        return next(self.parameters()).device

    def recipe(self, *, round: int = 0) -> FitConfig:
        """How this method is trained in a round of collection and training; 0 is the first."""
        return FitConfig()

    def examples(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """Training examples from one part of a source; the same generator gives the same examples.

        Raises:
            InputError: a label that is not declared, or a part in which there is nothing to learn
                from.
        """
        found = self.gather(DeclaredSource(source, self.reads_labels, self.name), split, rng)
        if not len(found):
            raise InputError(
                given=f"{source.len_of(split)} attempts of split {split!r}",
                wanted=f"at least one that {self.name} can learn from",
            )
        return found

    def check(self, examples: Examples) -> None:
        """Called before training on these examples, which may come from several datasets. Accepts
        everything by default.

        Raises:
            InputError: they do not teach what this method is for; the message says what would.
        """
        return

    @property
    def examples_key(self) -> Any:
        """Whatever `gather` depends on beside the source, as JSON values: methods with equal keys
        can share their examples. The whole config by default."""
        return configs.to_json(self.config)

    @abstractmethod
    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """Examples from one pass over `source.attempts(split)`."""

    @abstractmethod
    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """Tensors on the CPU, each (B, ...), of the rows at `indices` (B,).

        Called from a thread beside the training step: it reads nothing that training changes.
        """

    @abstractmethod
    def loss(self, batch: Batch) -> Loss:
        """The loss of a batch that lies on the module's device."""

    def after_step(self, step: int) -> None:
        """Called after each update of the weights, without gradients; `step` counts from 1.

        Here a target network follows (see `learn.target`). What it changes must be in the state
        dict, else a resumed run ends elsewhere. Changes nothing by default.
        """
        return

    def priorities(self, examples: Examples) -> NDArray[np.floating] | None:
        """How often training draws each example, relative to the others: (N,) of 0 or more.

        Asked before training and again after each epoch, in evaluation mode and without gradients,
        so that it can follow the error (prioritised replay). None, the default, means each example
        once an epoch; where the first answer is None, training does not ask again.
        """
        return None

    def groups(self, examples: Examples) -> Groups | None:
        """Which examples come into the same training batch, where a loss compares the examples of a
        batch with each other and those of one scene are the hardest to tell apart.

        None, the default, means that an epoch is shuffled freely.
        """
        return None

    @abstractmethod
    def plan(self, context: Context) -> Plan:
        """Candidates, scores and a choice."""

    def calibrate(self, batches: Iterable[Batch]) -> None:
        """Called once after training with validation batches, to turn scores into probabilities.
        Changes nothing by default."""
        return

    def variants(self) -> Mapping[str, Policy]:
        """Other ways to decide with the same weights, by the name that follows a + behind the
        policy's: NAME+explore collects the next round's data."""
        return {"explore": self.exploring()}

    def numbered_variants(self) -> Mapping[str, Callable[[int], Policy]]:
        """Variants that take a number, as NAME+explore4: a function from the number to the policy,
        by the name before it. It raises InputError for a number that is out of range."""
        return {}

    def load_trunk(self, path: Path) -> None:
        """Take the layers that see from another training, as ablations of pretraining do. The
        others stay as they are.

        Args:
            path: a run's folder, a checkpoint, or whatever else the method says it reads.

        Raises:
            InputError: nothing there that fits, or a method without such layers.
        """
        raise InputError(
            given=f"{path} as the trunk of {self.name}",
            wanted="a method whose trunk can come from elsewhere",
        )

    def without_trunk(self) -> str:
        """Called before training where nothing comes from another training. A line to print, about
        networks that do not learn and stay random; empty by default.

        Raises:
            InputError: nothing can be learned then; the message says what has to be trained first.
        """
        return ""

    def exploring(self) -> Policy:
        """The policy to collect the next round of data with; the method itself unless it
        explores."""
        return self


@contextmanager
def evaluating(method: Method) -> Iterator[None]:
    """Without gradients, with running statistics, and back to how it was."""
    # Every decision comes through here, and a switch visits each of a few hundred modules.
    training = method.training
    if training:
        method.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        if training:
            method.train()
