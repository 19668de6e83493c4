"""What a paper's folder says of its reproduction: how much, on what, in which steps, and what is
told at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from selfgrasp.common.parts import Calibration, Chart, Table


@dataclass(frozen=True)
class Folders:
    """Folders below a reproduction's own."""

    root: Path

    def data(self, name: str) -> Path:
        """Of a dataset."""
        return self.root / "data" / name

    def run(self, name: str) -> Path:
        """Of a training."""
        return self.root / "runs" / name

    def measured(self, name: str) -> Path:
        """Of a file with what a step measured."""
        return self.root / "measured" / f"{name}.json"


class Sizes(Protocol):
    """How much of everything a reproduction takes."""

    @property
    def seeds(self) -> int:
        """Trainings of everything that is compared."""


@dataclass(frozen=True)
class Work:
    """What every step of a reproduction works on.

    Attributes:
        folders: where.
        sizes: how much.
        preset: small, or paper.
        workers: processes.
        seed: of scenes and choices; trainings count up from it.
        device: to train on.
    """

    MAY_GROW: ClassVar[tuple[str, ...]] = ("seeds",)
    """Sizes that a later call may change: what they add is trained or played, and the rest
    stays."""

    folders: Folders
    sizes: Sizes
    preset: str
    workers: int
    seed: int
    device: str

    @property
    def seeds(self) -> range:
        """Of the trainings that are compared, the first one first."""
        return range(self.seed, self.seed + self.sizes.seeds)

    @property
    def frozen(self) -> dict[str, object]:
        """What must not change between two calls."""
        sizes = {
            f"sizes.{name}": value
            for name, value in vars(self.sizes).items()
            if name not in self.MAY_GROW
        }
        return {"preset": self.preset, "seed": self.seed, **sizes}


SizesT = TypeVar("SizesT", bound=Sizes)
WorkT = TypeVar("WorkT", bound=Work)


@dataclass(frozen=True)
class Step(Generic[WorkT]):
    """One step: its name, and what does it, or finds it done, and says in a line what came of
    it."""

    name: str
    run: Callable[[WorkT], str]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a reproduction tells at its end.

    Attributes:
        cell: that was worked in.
        attempts: that the networks learned from.
        rows: of report.json.
        paired: differences between two policies, as in report.json.
        tables: the paper's tables, its figures beside ours.
        charts: the paper's figures.
        calibration: of predicted probabilities.
        notes: what to know before the figures are compared.
        learned: label of the policy whose figures stand first; empty lets the page choose.
        labelled: how many of the attempts people labelled, in words; empty for none.
    """

    cell: str
    attempts: int
    rows: Sequence[Mapping[str, Any]]
    paired: Sequence[Mapping[str, Any]] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    calibration: Sequence[Calibration] = ()
    notes: Sequence[str] = ()
    learned: str = ""
    labelled: str = ""

    def to_json(self) -> dict[str, object]:
        """Keys and values of report.json; what is empty is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        learned = values.pop("learned")
        found = {name: value for name, value in values.items() if value or name == "rows"}
        return found | ({"headline": {"learned": learned}} if learned else {})


@dataclass(frozen=True)
class Reproduction(Generic[SizesT, WorkT]):
    """How a paper is reproduced.

    Attributes:
        paper: authors, title, where and when it was published.
        presets: its sizes, by preset: small, paper.
        quick: sizes with which everything runs once, in minutes.
        scaled: sizes for another number of attempts of the first collection.
        with_trials: sizes for another number of trials.
        work: class of what its steps work on.
        steps: all of them, in order.
        report: what is told after the last step.
    """

    paper: str
    presets: Mapping[str, Callable[[], SizesT]]
    quick: Callable[[], SizesT]
    scaled: Callable[[SizesT, int], SizesT]
    with_trials: Callable[[SizesT, int], SizesT]
    work: type[WorkT]
    steps: Callable[[WorkT], tuple[Step[WorkT], ...]]
    report: Callable[[WorkT], Report]
