"""`selfgrasp upgrade`: bring a dataset of an older version up to this one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional


@dataclass(frozen=True)
class Args:
    """Bring a dataset written by an older version of selfgrasp up to this version's schema, in place. Attempts are not changed."""

    dataset: Positional[Path]
    """The dataset's folder."""


def run(args: Args) -> int:
    """Upgrade in place."""
    from selfgrasp.dataset import upgrade

    upgrade(args.dataset)
    return 0
