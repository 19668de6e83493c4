"""What ships with the package to be tried at once: an RGB-D picture of unseen objects on a table.

It comes from the simulated `tabletop` cell with the noise of a real depth camera;
`python -m benchmarks.sample` makes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RgbdFiles:
    """One picture, as `selfgrasp plan` reads it.

    Attributes:
        color: PNG.
        depth: 16-bit PNG in millimetres; 0 is a hole.
        intrinsics: JSON with fx, fy, cx, cy in pixels from the centre of the top-left one.
    """

    color: Path
    depth: Path
    intrinsics: Path


_FOLDER = Path(__file__).parent / "sample"
SAMPLE = RgbdFiles(_FOLDER / "color.png", _FOLDER / "depth.png", _FOLDER / "intrinsics.json")
