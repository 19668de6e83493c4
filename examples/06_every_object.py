"""Lesson 6: a picture of every object of a set, as it comes to rest, one row a family.

Run it:  .venv/bin/python examples/06_every_object.py categories categories-validation
categories-test
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from selfgrasp.objects.catalogue import objects_by_name
from selfgrasp.viz.draw import Canvas, Window
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.sim.scene import SimScene

SIDE, PIXELS = 0.17, 48


def main(*names: str, most: int = 600, out: Path = Path("objects.webp")) -> None:
    """Drop each object alone, look, and put the pictures side by side."""
    objects = [item for name in names for item in objects_by_name(name)][:most]
    rows: dict[str, list[np.ndarray]] = {}
    cell = tabletop(objects, TabletopConfig(count=1, noise="none", picture_px=320))
    with cell.cell as workcell:
        scene, camera = workcell.drivers.scene, workcell.drivers.cameras["overhead"]
        assert isinstance(scene, SimScene)
        for index, item in enumerate(objects):
            scene.drop([item], np.random.default_rng(index))
            view = camera.capture()
            truth = scene.objects_truth()
            if view is None or not truth:
                continue
            window = Window.around(view, truth[0].center, SIDE)
            picture = Image.fromarray(Canvas(view, scale=1, window=window).picture).resize(
                (PIXELS, PIXELS), Image.Resampling.LANCZOS
            )
            rows.setdefault(item.family, []).append(np.asarray(picture))
    width = max(map(len, rows.values()))
    blank = np.full((PIXELS, PIXELS, 3), 255, np.uint8)
    whole = np.vstack([np.hstack([*row, *[blank] * (width - len(row))]) for row in rows.values()])
    Image.fromarray(whole).save(out, quality=70)
    print(f"{out}: {sum(map(len, rows.values()))} objects; rows: {', '.join(rows)}")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["train"]))
