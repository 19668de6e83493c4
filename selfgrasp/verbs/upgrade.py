"""`selfgrasp upgrade`: bring a dataset of an older version up to this one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Args:
    """Bring a dataset written by an older version of selfgrasp up to this version's schema, in
    place. Older datasets can be read without it; to add to them it is needed."""

    dataset: Positional[Path]
    """The dataset's folder."""


def run(args: Args) -> int:
    """Upgrade, and say from which version."""
    from selfgrasp.dataset import SCHEMA_VERSION, upgrade

    before = upgrade(args.dataset)
    print(
        f"{args.dataset}: version {before}"
        + ("" if before == SCHEMA_VERSION else f" brought to {SCHEMA_VERSION}")
    )
    return 0
