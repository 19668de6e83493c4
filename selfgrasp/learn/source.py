"""Where training data comes from: anything that yields attempts and labels. A dataset on disk is
one, a list in memory another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.split import SPLITS, Split, SplitRule
from selfgrasp.core import Attempt, Candidates, CellSpec, InputError, LabelValue
from selfgrasp.core.errors import unknown_name
from selfgrasp.learn.candidates import CandidateRows, MemoryCandidates, StoredCandidates

if TYPE_CHECKING:
    from selfgrasp.dataset import Dataset


class Source(Protocol):
    """Attempts in three parts that share no scene, and labels beside them."""

    @property
    def spec(self) -> CellSpec:
        """The cell that the attempts were made in."""
        ...

    def identities(self, split: Split, labels: Sequence[str] = ()) -> NDArray[np.int64]:
        """(N,) a hash of each of `attempts(split)`.

        It changes when the cell, the attempt, its part of the split or the value of one of its
        labels called `labels` changes. A label that no attempt has is no error here.
        """
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

    def candidates(self, split: Split, labels: Sequence[str] = ()) -> CandidateRows:
        """Grasps of one part that were never executed, with `labels` of theirs.

        Raises:
            InputError: there are none, no such label, or one that the reader did not declare.
        """
        ...


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Attempts in a list, split by scene as a dataset's are.

    Attributes:
        all_attempts: the attempts.
        spec: the cell.
        labels: label name to {attempt id: value}.
        shares: of train, validation and test; they sum to 1.
        candidates_of: the candidates of each part that has some.
    """

    all_attempts: Sequence[Attempt]
    spec: CellSpec
    labels: Mapping[str, Mapping[str, LabelValue]] = field(default_factory=dict)
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    candidates_of: Mapping[Split, Candidates] = field(default_factory=dict)

    def identities(self, split: Split, labels: Sequence[str] = ()) -> NDArray[np.int64]:
        """(N,) a hash of each attempt of one part, and of its labels called `labels`."""
        facts = ((a.id, a.outcome.grasped, a.round) for a in self.attempts(split))
        read = {name: self.labels[name] for name in labels if name in self.labels}
        return _identities(self.spec, split, facts, read)

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

    def candidates(self, split: Split, labels: Sequence[str] = ()) -> CandidateRows:
        """The candidates of one part."""
        if split not in self.candidates_of:
            raise InputError(
                given=f"a source without candidates of split {split!r}",
                wanted="one of the parts that have some",
                exists=", ".join(self.candidates_of) or "none",
            )
        return MemoryCandidates(self.candidates_of[split].with_labels(labels))

    def _part_of(self, attempt: Attempt) -> Split:
        # Sessions, and so their seeds, are not known here.
        return SplitRule(*self.shares).part_of_scene(0, attempt.scene)


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
        """16 hex digits over every attempt and the declared labels: what can be read here."""
        return fingerprint_of([self.identities(split) for split in SPLITS])

    def identities(self, split: Split, labels: Sequence[str] = ()) -> NDArray[np.int64]:
        """(N,) a hash of each attempt of one part, and of its declared labels."""
        return self.source.identities(split, tuple({*self.reads_labels, *labels}))

    def len_of(self, split: Split) -> int:
        """How many attempts `attempts(split)` yields."""
        return self.source.len_of(split)

    def attempts(self, split: Split) -> Iterator[Attempt]:
        """The attempts of one part."""
        return self.source.attempts(split)

    def label(self, name: str) -> Mapping[str, LabelValue]:
        """Attempt id to value, for declared names alone."""
        self._require_declared(name)
        return self.source.label(name)

    def candidates(self, split: Split, labels: Sequence[str] = ()) -> CandidateRows:
        """The candidates of one part, with declared labels alone."""
        for name in labels:
            self._require_declared(name)
        return self.source.candidates(split, labels)

    def _require_declared(self, name: str) -> None:
        if name not in self.reads_labels:
            declared = ", ".join(self.reads_labels) or "none"
            raise InputError(
                given=f"label {name!r} read by {self.reader}",
                wanted="a label declared in reads_labels",
                exists=f"declared: {declared}",
            )


@dataclass(frozen=True, eq=False)
class DatasetSource:
    """A dataset on disk as a source.

    Attributes:
        dataset: open for reading; `DeclaredSource` bounds which labels of it a method can read.
        within: which of the dataset's attempts, in the order of their writing: from one position up
            to before another; all by default.
        threads: that decode ahead.
    """

    dataset: Dataset
    within: tuple[int, int | None] = (0, None)
    threads: int = 2

    @property
    def spec(self) -> CellSpec:
        """The dataset's cell."""
        return self.dataset.spec

    def identities(self, split: Split, labels: Sequence[str] = ()) -> NDArray[np.int64]:
        """(N,) a hash of each attempt of one part, and of its labels called `labels`."""
        rows = self.rows(split)
        facts = zip(
            *(self.dataset.column(name)[rows].tolist() for name in ("id", "grasped", "round")),
            strict=True,
        )
        known = {*self.dataset.label_names} if labels else set()
        read = {name: self.dataset.label(name) for name in labels if name in known}
        return _identities(self.spec, split, facts, read)

    def len_of(self, split: Split) -> int:
        """How many attempts `attempts(split)` yields."""
        return len(self.rows(split))

    def attempts(self, split: Split) -> Iterator[Attempt]:
        """The attempts of one part."""
        ids = self.dataset.ids()[self.rows(split)]
        return self.dataset.attempts(ids, threads=self.threads)

    def label(self, name: str) -> Mapping[str, LabelValue]:
        """Attempt id to value."""
        return self.dataset.label(name)

    def candidates(self, split: Split, labels: Sequence[str] = ()) -> CandidateRows:
        """The candidates of one part: all of them where `within` begins with the first attempt,
        else none, so that who reads in chunks of attempts meets each once."""
        table = self.dataset.candidates()
        rows = table.rows(self.dataset.split, split)
        return StoredCandidates(table, rows[: None if self.within[0] == 0 else 0], labels)

    def candidate_identities(self, split: Split, labels: Sequence[str]) -> NDArray[np.int64]:
        """(1,) a hash of all candidates of one part and of their labels called `labels`; (0,) where
        there are none that have one of these labels."""
        known = {*self.dataset.candidates().label_names} if self.dataset.has_candidates else set()
        names = sorted(known & {*labels})
        if not names:
            return np.zeros(0, np.int64)
        found = self.candidates(split, names).labels
        digest = hashlib.blake2b(f"{split}|{'|'.join(names)}".encode(), digest_size=8)
        for name in names:
            digest.update(np.ascontiguousarray(found[name]).tobytes())
        return np.frombuffer(digest.digest(), dtype="<i8").astype(np.int64)

    def rows(self, split: Split) -> NDArray[np.int64]:
        """(N,) where the attempts of one part stand in the dataset, ascending."""
        if split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
        first, end = self.within
        rows = np.flatnonzero(self.dataset.parts()[first:end] == split)
        return rows.astype(np.int64) + first


@dataclass(frozen=True, eq=False)
class DataIdentity:
    """Which attempts, with which labels, something was learned from.

    Attributes:
        attempts: (N,) their identities, see `Source.identities`, in any order.
        first: so many of the examples were used, where not all were.
    """

    attempts: NDArray[np.int64]
    first: int | None = None

    @property
    def fingerprint(self) -> str:
        """16 hex digits: changes when anything here does."""
        limit = [] if self.first is None else [np.array([self.first])]
        return fingerprint_of([self.attempts, *limit])

    def missing(self, earlier: NDArray[np.int64]) -> int:
        """How many of the (M,) `earlier` identities are not among these."""
        return int(np.isin(earlier, self.attempts, invert=True).sum())


def fingerprint_of(identities: Iterable[NDArray[np.int64]]) -> str:
    """16 hex digits over the identities of several parts, in their order."""
    digest = hashlib.sha256()
    for part in identities:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes())
    return digest.hexdigest()[:16]


def _identities(
    spec: CellSpec,
    split: Split,
    facts: Iterable[tuple[str, bool, int]],
    labels: Mapping[str, Mapping[str, LabelValue]],
) -> NDArray[np.int64]:
    """(N,) hashes of attempts given by id, outcome and round, with labels by name."""
    common, columns = f"{spec.fingerprint}|{split}", sorted(labels.items())
    hashes = []
    for fact in facts:
        # A label that an attempt does not have leaves its hash as it was before anybody had one.
        values = [(name, column[fact[0]]) for name, column in columns if fact[0] in column]
        text = repr((common, fact, values))
        hashes.append(hashlib.blake2b(text.encode(), digest_size=8).digest())
    return np.frombuffer(b"".join(hashes), dtype="<i8").astype(np.int64)
