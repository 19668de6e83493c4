"""Whether arms of other people's files reach into the bin, with a picture of each.

python -m benchmarks.arms OUT.webp FILE [FILE ...]      prints a table
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Fault, InputError
from selfgrasp.core.pose import looking_at, top_down
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import SimCell, kuka_bin
from selfgrasp.workcell.drivers import Control
from selfgrasp.workcell.sim.arm_files import read_arm
from selfgrasp.workcell.sim.render import make_renderer
from selfgrasp.workcell.sim.render.picture import FILM

PLACES = 20
SIDE = 240
COLUMNS = 4


def main(out: Path, files: list[Path]) -> None:
    """Try each, print a line of it, and write a sheet of pictures."""
    pictures = []
    print("| file | hinges | the hand is on | reached |")
    print("|---|---|---|---|")
    for file in files:
        name = "/".join(file.resolve().parts[-2:])
        try:
            arm = read_arm(file, np.eye(4))
            config = KukaBinConfig(count=3, picture_px=64, arm=str(file), noise="none")
            with kuka_bin(train_objects(6), config) as cell:
                reached = tried(cell)
                pictures.append(labelled(picture(cell), name))
        except InputError as error:
            print(f"| {name} | | | no: {error} |")
            continue
        print(
            f"| {name} | {len(arm.chain.hinges)} | {arm.chain.flange} | {reached} of {PLACES} |",
            flush=True,
        )
    pictures += [np.full_like(pictures[0], 255)] * (-len(pictures) % COLUMNS)
    rows = [np.hstack(pictures[i : i + COLUMNS]) for i in range(0, len(pictures), COLUMNS)]
    cv2.imwrite(str(out), np.vstack(rows)[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, 80])


def tried(cell: SimCell) -> int:
    """Of random places over the bin, how many the hand got to, high and low; it ends over the
    middle."""
    cell.reset(0)
    arm, rng, reached = cell.cell.drivers.arm, np.random.default_rng(0), 0
    for _ in range(PLACES):
        xy, yaw = rng.uniform(-0.14, 0.14, 2), rng.uniform(-1.5, 1.5)
        high = arm.move(top_down((*xy, 0.28), yaw), speed=1.0, control=Control())
        low = arm.move(top_down((*xy, 0.06), yaw), speed=1.0, control=Control())
        reached += all(r.fault is not Fault.UNREACHABLE for r in (high, low))
        arm.move(top_down((*xy, 0.28), yaw), speed=1.0, control=Control())
    arm.move(top_down((0.0, 0.0, 0.2), 0.3), speed=1.0, control=Control())
    return reached


def picture(cell: SimCell) -> NDArray[np.uint8]:
    """(H, W, 3) uint8, by somebody who stands beside the bin."""
    renderer = make_renderer(cell.world.model, 2 * SIDE, 2 * SIDE, "auto", FILM)
    lens = np.array([[2.0 * SIDE, 0, SIDE], [0, 2.0 * SIDE, SIDE], [0, 0, 1.0]])
    try:
        drawn = renderer.render(
            cell.world.data, looking_at((1.35, 0.35, 0.75), (0.0, -0.2, 0.3), up=(0, 0, 1)), lens
        )
    finally:
        renderer.close()
    return cv2.resize(drawn.color, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def labelled(image: NDArray[np.uint8], text: str) -> NDArray[np.uint8]:
    """With its name below the upper edge."""
    return cv2.putText(image, text, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
