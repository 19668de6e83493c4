"""`selfgrasp view`: a page of attempts, filterable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from selfgrasp.core.bounds import Count


@dataclass(frozen=True)
class Args:
    """A page of attempts that can be filtered by outcome, policy, round, object and id. `selfgrasp
    replay` takes the ids it shows."""

    path: Positional[Path]
    """A dataset, or a run with a dataset in it."""

    out: Path | None = None
    """File to write; without it attempts.html beside the data."""

    limit: Count = 400
    """The most attempts to show; they are spread evenly over the dataset."""

    camera: str | None = None
    """Which view to show; the first one by default."""


def run(args: Args) -> int:
    """Write the page and say where it is."""
    from selfgrasp.dataset import Dataset
    from selfgrasp.report.attempts_page import attempts_page

    folder = _dataset_in(args.path)
    with Dataset.open(folder) as dataset:
        named = {name: dataset.label(name) for name in dataset.label_names}
        ids = dataset.ids()
        chosen = ids[:: max(1, -(-len(ids) // args.limit))]
        labelled = (
            (
                attempt,
                {
                    name: values[attempt.id]
                    for name, values in named.items()
                    if attempt.id in values
                },
            )
            for attempt in dataset.attempts(chosen)
        )
        page = attempts_page(
            labelled, title=folder.resolve().name, total=len(ids), view=args.camera
        )
    path = args.out or folder / "attempts.html"
    size = page.write(path)
    print(f"{path} ({size / 1e6:.1f} MB)")
    return 0


def _dataset_in(path: Path) -> Path:
    """The dataset at `path`, or in its folders `dataset` or `data`."""
    from selfgrasp.core import InputError

    if not path.is_dir():
        raise InputError(given=f"{path}", wanted="the folder of a dataset or of a run")
    return next((path / name for name in ("dataset", "data") if (path / name).is_dir()), path)
