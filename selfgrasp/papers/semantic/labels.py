"""Who says what was lifted: simulated raters of presented pictures, and a classifier that learned
from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selfgrasp.core import InputError, Label
from selfgrasp.dataset import Dataset, DatasetWriter
from selfgrasp.dataset.meta import read_meta
from selfgrasp.methods.registry import load
from selfgrasp.methods.semantic.config import NO_OBJECT, NONE_OF_THESE, SEVERAL
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.methods.semantic.propagation import Answer, classified
from selfgrasp.rollout.policies import resolve


@dataclass(frozen=True)
class Raters:
    """People, simulated: each sees what is held, and says so with an error.

    Attributes:
        count: of answers for a picture; what more than half of them say is the label, or there is
            none.
        error: share of answers that are any other one, each as likely.
        seed: of the errors.
    """

    count: int = 3
    error: float = 0.05
    seed: int = 0

    @property
    def author(self) -> str:
        """Who the labels say they are by."""
        return f"{self.count} simulated raters, {self.error:.0%} of answers wrong"

    def answer(self, true: str, answers: Sequence[str], rng: np.random.Generator) -> str | None:
        """The majority's answer where `true` is right, or None."""
        others = [a for a in answers if a != true]
        said = [
            str(rng.choice(others)) if rng.random() < self.error else true
            for _ in range(self.count)
        ]
        best, votes = Counter(said).most_common(1)[0]
        return best if 2 * votes > self.count else None


def rate(
    path: Path,
    raters: Raters,
    categories: Sequence[str],
    *,
    share: float,
    name: str,
    label_all: bool = False,
) -> int:
    """Have the presented pictures of the first `share` of attempts rated; says how many labels
    there are, and writes none twice.

    Args:
        path: of a dataset of simulated attempts.
        raters: see there.
        categories: that they may choose from.
        share: of attempts, 0 to 1.
        name: of the label.
        label_all: write an empty label where there is no picture or no majority, so that training
            skips the attempt.
    """

    with Dataset.open(path) as data:
        if name in data.label_names:
            return sum(map(bool, data.label(name).values()))
        truth = what_is_held(data, categories)
        shown = data.ids()[data.column("has_present")]
        first = set(data.ids()[: round(share * len(data))])
        rng = np.random.default_rng(raters.seed)
        answers = [*categories, NO_OBJECT, SEVERAL, NONE_OF_THESE]
        said = {i: raters.answer(truth[i], answers, rng) for i in shown if i in first}
        known = {i: answer for i, answer in said.items() if answer is not None}
        everyone = {i: known.get(i, "") for i in data.ids()} if label_all else known
    _write(path, everyone, name, raters.author)
    return len(known)


def what_is_held(data: Dataset, categories: Sequence[str]) -> dict[str, str]:
    """What a rater who makes no error answers, by attempt; two things of one category are that
    category. Privileged."""
    families = data.label("truth.families")

    def answer(value: str) -> str:
        found = [f for f in value.split(",") if f]
        if not found:
            return NO_OBJECT
        if len(found) > 1:
            return SEVERAL
        return found[0] if found[0] in categories else NONE_OF_THESE

    return {attempt: answer(str(value)) for attempt, value in families.items()}


def _write(path: Path, said: dict[str, str], name: str, by: str) -> int:

    session = next(iter(read_meta(path).sessions.values()))
    with DatasetWriter.create_or_open(path, session) as writer:
        writer.append_labels([Label(attempt, name, answer, by) for attempt, answer in said.items()])
    return len(said)


def check(path: Path, run: Path, *, known: str) -> list[tuple[bool, float]]:
    """The classifier of a run on presented pictures of a dataset's validation part, of which
    somebody has said what they show: whether it says the same, and with what chance."""

    with Dataset.open(path) as data:
        said = data.label(known)
        ids = [
            i for i in data.ids("validation")[data.column("has_present", "validation")] if i in said
        ]
        return [
            (answer == said[i], chance)
            for i, (answer, chance) in zip(ids, named(data, ids, run), strict=True)
        ]


def propagate(path: Path, run: Path, *, known: str, name: str, threshold: float) -> int:
    """Let the classifier of a run say what the presented pictures show that nobody has labelled,
    where its chance reaches the threshold; says how many labels there are, and writes none twice.

    Args:
        path: of a dataset.
        run: of the classifier.
        known: label of those that need none.
        name: of the label.
        threshold: chance of its answer below which it writes no label.

    Raises:
        InputError: there are such labels by another classifier.
    """

    author = f"classifier {resolve(str(run)).identity}"
    with Dataset.open(path) as data:
        if name in data.label_names:
            if others := sorted({label.by for label in data.labels(name)} - {author}):
                raise InputError(
                    given=f"labels {name!r} by {author}",
                    wanted="another folder",
                    exists=f"such labels by {', '.join(others)} in {path}",
                )
            return len(data.label(name))
        said_already = set(data.label(known)) if known in data.label_names else set()
        wanted = [i for i in data.ids()[data.column("has_present")] if i not in said_already]
        said = {
            i: answer
            for i, (answer, chance) in zip(wanted, named(data, wanted, run), strict=True)
            if chance >= threshold
        }
    return _write(path, said, name, author) if said else 0


def named(data: Dataset, ids: Sequence[str], run: Path) -> list[Answer]:
    """What the classifier of a run calls each presented picture."""
    method = load(run)
    assert isinstance(method, Semantic)
    return classified(method, data.attempts(list(ids)), data.spec)
