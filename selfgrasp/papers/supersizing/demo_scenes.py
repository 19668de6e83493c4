"""The scenes that the demo collects in, and their datasets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Scenes:
    """One kind of scene.

    Attributes:
        name: of its dataset.
        count: objects; None is the cell's own number.
        attempts: on one drop of them.
    """

    name: str
    count: int | None
    attempts: int

    def data(self, out: Path) -> Path:
        """The dataset of a demo in the folder `out`."""
        return out / "data" / self.name


LOOSE = Scenes("loose", None, 10)
HEAPS = Scenes("heaps", 30, 25)


def datasets(out: Path) -> tuple[Path, ...]:
    """Those that a demo in the folder `out` has collected so far."""
    return tuple(path for path in (LOOSE.data(out), HEAPS.data(out)) if path.is_dir())
