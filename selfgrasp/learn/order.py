"""Which examples each step of a training takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import InputError


@dataclass(frozen=True, eq=False)
class Groups:
    """Examples that go into the same batch, as hard negatives of each other.

    Attributes:
        ids: (N,) int64; examples of one number are a group.
        most: of one group that are kept together. A larger group is cut into several parts, anew in
            each epoch, which come at different times.

    Raises:
        InputError: `most` below 1.
    """

    ids: NDArray[np.int64]
    most: int

    def __post_init__(self) -> None:
        if self.most < 1:
            raise InputError(given=f"{self.most} examples of a group", wanted="1 or more")

    def together(self, drawn: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """The rows `drawn` (M,), reordered: parts of groups one after another, at random."""
        _, group = np.unique(self.ids[drawn], return_inverse=True)
        by_group = np.argsort(group, kind="stable")
        first = np.searchsorted(group[by_group], group[by_group])
        rank = np.arange(len(drawn)) - first
        parts = np.split(drawn[by_group], np.flatnonzero(rank % self.most == 0)[1:])
        return np.concatenate([parts[i] for i in rng.permutation(len(parts))])


class Order:
    """Which examples each step takes.

    Without priorities each epoch is a new shuffle, cut into batches whose sizes differ by one at
    most. With priorities an epoch draws as many examples, with replacement. With groups, examples
    of one group stand side by side; only where a batch ends, such a part may be cut.

    Args:
        length: number of examples.
        per_epoch: batches an epoch.
        seed: of shuffles and draws.
        groups: which examples belong together; None: none do.

    Raises:
        InputError: groups of another number of examples.
    """

    def __init__(
        self, length: int, per_epoch: int, seed: int, groups: Groups | None = None
    ) -> None:
        if groups is not None and len(groups.ids) != length:
            raise InputError(
                given=f"groups of {len(groups.ids)} examples", wanted=f"a number for all {length}"
            )
        self.length, self.seed, self.per_epoch = length, seed, per_epoch
        self._groups = groups
        self._probabilities: NDArray[np.float64] | None = None
        self._epoch, self._batches = -1, [np.zeros(0, np.int64)]

    def prioritize(self, priorities: NDArray[np.floating]) -> None:
        """Draw an example from now on as often as its priority says; `priorities` (length,), not
        all zero.

        Raises:
            InputError: of another length, negative, not finite, or zero everywhere.
        """
        given = np.asarray(priorities, dtype=np.float64)
        if given.shape != (self.length,) or not np.isfinite(given).all():
            raise InputError(
                given=f"priorities of shape {given.shape}, "
                f"{int((~np.isfinite(given)).sum())} of them not finite",
                wanted=f"{self.length} finite numbers, one an example",
            )
        if given.min() < 0 or not given.any():
            raise InputError(
                given=f"priorities from {given.min():g} to {given.max():g}",
                wanted="numbers of 0 or more, one of them above 0",
            )
        self._probabilities, self._epoch = given / given.sum(), -1

    def indices(self, step: int) -> NDArray[np.int64]:
        """(B,) rows of the examples for `step`."""
        epoch, index = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            rng = np.random.default_rng([self.seed, 1, epoch])
            drawn = (
                rng.permutation(self.length)
                if self._probabilities is None
                else rng.choice(self.length, self.length, p=self._probabilities)
            )
            if self._groups is not None:
                drawn = self._groups.together(drawn, rng)
            self._epoch, self._batches = epoch, np.array_split(drawn, self.per_epoch)
        return self._batches[index]
