"""When to say "not found": the sureness at the first look below which nothing is tried, how often
that is wrong either way, and the weights that go with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from selfgrasp.common.intervals import Estimate, ratio
from selfgrasp.common.parts import Cell, Table
from selfgrasp.core import InputError
from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import Method, checkpoint
from selfgrasp.rollout.policies import weights_file

Looks = dict[str, list[list[float]]]
"""Under "there" and "absent", by bin: how sure a policy is at the first look of what is in the bin,
and of what is not."""


def best_threshold(looks: Looks) -> float:
    """The one at which both errors together are least."""
    there, absent = (np.concatenate(looks[name]) for name in ("there", "absent"))
    return least_errors(there, absent)


def least_errors(there: FloatArray, absent: FloatArray) -> float:
    """The sureness, to three decimals, below which something is not found: the share of what is
    there and overlooked and that of what is absent and tried for are least together.

    Args:
        there: (N,) of what is in the bin.
        absent: (M,) of what is not.

    Raises:
        InputError: nothing of one kind.
    """
    if not (len(there) and len(absent)):
        raise InputError(
            given=f"{len(there)} looks for what is there, {len(absent)} for what is not",
            wanted="some of both, to choose a threshold between them",
        )
    candidates = np.unique(np.round(np.concatenate([there, absent]), 3))
    errors = [(there < value).mean() + (absent >= value).mean() for value in candidates]
    return float(candidates[int(np.argmin(errors))])


def overlooking(looks: Looks, share: float) -> float:
    """The sureness, rounded down to three decimals, below which that share of what is there is
    overlooked; 0 where nothing is."""
    there = [one for a_bin in looks["there"] for one in a_bin] or [0.0]
    return float(np.floor(np.quantile(there, share) * 1000) / 1000)


def errors(looks: Looks, threshold: float) -> tuple[Estimate, Estimate]:
    """Share of what is there that is not found, and of what is not there that is tried for;
    intervals over bins."""
    overlooked = [(sum(one < threshold for one in a_bin), len(a_bin)) for a_bin in looks["there"]]
    in_vain = [(sum(one >= threshold for one in a_bin), len(a_bin)) for a_bin in looks["absent"]]
    return ratio(overlooked), ratio(in_vain)


def told(looks: Mapping[str, Looks], threshold: float) -> str:
    """In a line, by set of objects."""
    shares = {label: errors(one, threshold) for label, one in looks.items()}
    each = (
        f"{label} {overlooked.value:.0%} overlooked, {in_vain.value:.0%} tried in vain"
        for label, (overlooked, in_vain) in shares.items()
    )
    return f"below {threshold:.2f} nothing is tried; {', '.join(each)}"


def found_table(looks: Mapping[str, Looks], threshold: float, note: str) -> Table:
    """Errors by set of objects, as a table of the report.

    Args:
        looks: by set of objects.
        threshold: that was chosen.
        note: what it is of, and where it was chosen.
    """
    rows: list[list[Cell]] = [
        [
            label,
            *(error.text() for error in errors(one, threshold)),
            sum(map(len, one["there"])),
            sum(map(len, one["absent"])),
        ]
        for label, one in looks.items()
    ]
    columns = ["bins of", "there and overlooked", "not there and tried for", "there", "not there"]
    return Table(title="Not found", note=note, columns=columns, rows=rows)


def pack(run: Path, shipped: Method, path: Path) -> str:
    """The weights of a run in half precision, with another config: what goes with the package. The
    same file is left as it is: what was played with it stays true.

    Args:
        run: whose weights.
        shipped: a method with the config to ship and these weights.
        path: of the file.
    """
    info = checkpoint.read_info(weights_file(str(run)))
    made = path.with_suffix(".new")
    checkpoint.save(
        made, shipped, storage=checkpoint.Storage.FLOAT16, data=info.data, metrics=info.metrics
    )
    if not path.is_file() or made.read_bytes() != path.read_bytes():
        made.replace(path)
    made.unlink(missing_ok=True)
    return f"{path}, {path.stat().st_size / 1e6:.1f} MB"
