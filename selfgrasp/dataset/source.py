"""A dataset as a method's training data: the four things that `learn.Source` asks for, and no more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from selfgrasp.core import Attempt, CellSpec
from selfgrasp.dataset.reader import Dataset, LabelValue


@dataclass(frozen=True, eq=False)
class DatasetSource:
    """Reads attempts by part of the split.

    Attributes:
        dataset: open; `Dataset.restricted` bounds which labels can be read here.
        threads: that read and decode.
    """

    dataset: Dataset
    threads: int = 2

    @property
    def spec(self) -> CellSpec:
        """The cell that the attempts were made in."""
        return self.dataset.spec

    @property
    def fingerprint(self) -> str:
        """16 hex digits over ids, outcomes, readable labels and the split."""
        columns = [self.dataset.column(name).tolist() for name in ("id", "grasped", "round")]
        labels = [repr(self.dataset.labels(name)) for name in self.dataset.label_names]
        return hashlib.sha256(repr((self.spec.fingerprint, self.dataset.split.hash, columns, labels)).encode()).hexdigest()[:16]

    def len_of(self, split: str) -> int:
        """How many attempts `attempts(split)` yields.

        Raises:
            InputError: no such part.
        """
        return len(self.dataset.ids(split))

    def attempts(self, split: str, *, rng: np.random.Generator | None = None) -> Iterator[Attempt]:
        """The attempts of one part: in the order of their writing, or shuffled by `rng`.

        Raises:
            InputError: no such part, or, while reading, a missing or damaged picture.
        """
        return self.dataset.attempts(split=split, order=rng, threads=self.threads)

    def label(self, name: str) -> dict[str, LabelValue]:
        """Attempt id to value, for the attempts that carry the label.

        Raises:
            InputError: no such label, or an undeclared one.
        """
        return self.dataset.label(name)
