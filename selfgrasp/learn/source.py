"""Where training data comes from: anything that yields attempts and labels. A dataset on disk is
one, a list in memory another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Attempt, CellSpec, InputError
from selfgrasp.core.errors import unknown_name

if TYPE_CHECKING:
    from selfgrasp.dataset import Dataset

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
LabelValue = bool | int | float | str | tuple[float, ...]


class Source(Protocol):
    """Attempts in three parts that share no scene, and labels beside them."""

    @property
    def spec(self) -> CellSpec:
        """The cell that the attempts were made in."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes when an attempt, a label or the split changes."""
        ...

    def len_of(self, split: Split) -> int:
        """How many attempts `attempts(split)` yields."""
        ...

    def attempts(self, split: Split) -> Iterator[Attempt]:
        """The decoded attempts of one part: in the order they were made."""
        ...

    def label(self, name: str) -> Mapping[str, LabelValue]:
        """Attempt id to value, for the attempts that carry the label.

        Raises:
            InputError: no such label, or one that the reader did not declare.
        """
        ...


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Attempts in a list. A state group falls whole into one part, decided by a hash of its name.

    Attributes:
        all_attempts: the attempts.
        spec: the cell.
        labels: label name to {attempt id: value}.
        shares: of train, validation and test; they sum to 1.
    """

    all_attempts: Sequence[Attempt]
    spec: CellSpec
    labels: Mapping[str, Mapping[str, LabelValue]] = field(default_factory=dict)
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-9:
            raise InputError(
                given=f"shares {self.shares}", wanted="three shares of at least 0 that sum to 1"
            )

    @property
    def fingerprint(self) -> str:
        """16 hex digits over ids, outcomes and labels."""
        facts = [(a.id, a.outcome.grasped, a.round) for a in self.all_attempts]
        labels = sorted(
            (name, sorted((i, str(v)) for i, v in column.items()))
            for name, column in self.labels.items()
        )
        return hashlib.sha256(
            repr((self.spec.fingerprint, self.shares, facts, labels)).encode()
        ).hexdigest()[:16]

    def len_of(self, split: Split) -> int:
        """How many attempts `attempts(split)` yields."""
        return sum(self._part_of(a) == split for a in self.all_attempts)

    def attempts(self, split: Split) -> Iterator[Attempt]:
        """The attempts of one part."""
        if split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
        return (a for a in self.all_attempts if self._part_of(a) == split)

    def label(self, name: str) -> Mapping[str, LabelValue]:
        """Attempt id to value."""
        if name not in self.labels:
            raise unknown_name("label", name, self.labels)
        return self.labels[name]

    def _part_of(self, attempt: Attempt) -> Split:
        digest = hashlib.blake2b(attempt.state_group.encode(), digest_size=8).digest()
        place = int.from_bytes(digest, "big") / 2**64
        if place < self.shares[0]:
            return "train"
        return "validation" if place < self.shares[0] + self.shares[1] else "test"


@dataclass(frozen=True, eq=False)
class DeclaredSource:
    """A source of which only the declared labels can be read, so that a report can name every label
    that was used.

    Attributes:
        source: the whole source.
        reads_labels: names that may be read.
        reader: whose declaration it is.
    """

    source: Source
    reads_labels: tuple[str, ...]
    reader: str

    @property
    def spec(self) -> CellSpec:
        """The cell."""
        return self.source.spec

    @property
    def fingerprint(self) -> str:
        """Of the whole source."""
        return self.source.fingerprint

    def len_of(self, split: Split) -> int:
        """How many attempts `attempts(split)` yields."""
        return self.source.len_of(split)

    def attempts(self, split: Split) -> Iterator[Attempt]:
        """The attempts of one part."""
        return self.source.attempts(split)

    def label(self, name: str) -> Mapping[str, LabelValue]:
        """Attempt id to value, for declared names alone."""
        if name not in self.reads_labels:
            declared = ", ".join(self.reads_labels) or "none"
            raise InputError(
                given=f"label {name!r} read by {self.reader}",
                wanted="a label declared in reads_labels",
                exists=f"declared: {declared}",
            )
        return self.source.label(name)


@dataclass(frozen=True, eq=False)
class DatasetSource:
    """A dataset on disk as a source.

    Attributes:
        dataset: open for reading; `DeclaredSource` bounds which labels of it a method can read.
        within: which attempts of each part, from one position up to before another; all by default.
        threads: that decode ahead.
    """

    dataset: Dataset
    within: tuple[int, int | None] = (0, None)
    threads: int = 2

    @property
    def spec(self) -> CellSpec:
        """The dataset's cell."""
        return self.dataset.spec

    @property
    def fingerprint(self) -> str:
        """16 hex digits over ids, outcomes, labels, the split and `within`."""
        columns = [self.dataset.column(name).tolist() for name in ("id", "grasped", "round")]
        labels = [repr(self.dataset.labels(name)) for name in self.dataset.label_names]
        facts = (self.spec.fingerprint, self.dataset.split.hash, self.within, columns, labels)
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def len_of(self, split: Split) -> int:
        """How many attempts `attempts(split)` yields."""
        return len(self._ids(split))

    def attempts(self, split: Split) -> Iterator[Attempt]:
        """The attempts of one part."""
        return self.dataset.attempts(self._ids(split), threads=self.threads)

    def label(self, name: str) -> Mapping[str, LabelValue]:
        """Attempt id to value."""
        return self.dataset.label(name)

    def _ids(self, split: Split) -> NDArray[np.object_]:
        return self.dataset.ids(split)[slice(*self.within)]
