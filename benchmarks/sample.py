"""Makes the RGB-D picture that ships with the package, for `selfgrasp plan --sample`.

python -m benchmarks.sample
"""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from selfgrasp.data import SAMPLE
from selfgrasp.objects.named import objects_named
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig

SCENE, COUNT, PX = 3_000_021, 7, 224


def main() -> None:
    """Look at a scene of unseen objects, with a real camera's noise, and write what was seen."""
    # Without walls, which nobody told `selfgrasp plan` not to grasp.
    options = TabletopConfig(count=COUNT, picture_px=PX, wall_height=0.0)
    with tabletop(objects_named("test"), options).cell as cell:
        look = cell.reset(SCENE)
        assert look is not None
    view = look.view()
    assert view.depth is not None
    SAMPLE.color.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(view.color).save(SAMPLE.color, optimize=True)
    millimetres = np.rint(1000 * np.nan_to_num(view.depth)).astype(np.uint16)
    Image.fromarray(millimetres).save(SAMPLE.depth, optimize=True)
    fx, fy, cx, cy = (float(view.intrinsics[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    # Files of cameras count from the centre of the top-left pixel.
    lens = {"width": PX, "height": PX, "fx": fx, "fy": fy, "cx": cx - 0.5, "cy": cy - 0.5}
    SAMPLE.intrinsics.write_text(json.dumps(lens, indent=2) + "\n")


if __name__ == "__main__":
    main()
