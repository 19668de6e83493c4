"""Lesson 1: one attempt. Look, choose a place, reach, close, lift; what the fingers feel afterwards is the label.

Run it:  .venv/bin/python examples/01_one_attempt.py
"""

import math

import numpy as np

from selfgrasp.vision.grasp_pose import grasp_at
from selfgrasp.vision.heightmap import heightmap
from selfgrasp.workcell.cells import tabletop
from selfgrasp.workcell.sim.objects.catalogue import train_objects


def main() -> None:
    """Grasp what stands highest, from four sides."""
    with tabletop(train_objects(30)).cell as cell:
        workspace, gripper = cell.spec.workspace, cell.spec.gripper
        observation = cell.reset(0)
        for yaw in (0.0, math.pi / 4, math.pi / 2, -math.pi / 4):
            assert observation is not None, "a simulated camera always returns a picture"
            seen = heightmap(observation.view(), workspace, margin=0.0)
            row, column = np.unravel_index(seen.height.argmax(), seen.height.shape)
            x, y = seen.world_xy(np.array([column + 0.5, row + 0.5]))
            height = seen.height.max() - workspace.surface
            print(f"highest point ({x:+.3f}, {y:+.3f}) m, {height:.3f} m above the table; closing along {math.degrees(yaw):.0f} deg")

            done = cell.do(grasp_at(seen, np.array([x, y]), yaw, gripper, workspace))
            held = done.hand.width > cell.judge.min_width and done.hand.force > cell.judge.min_force
            print(f"  fingers {1000 * done.hand.width:.0f} mm apart, pressing with {done.hand.force:.0f} N: {'something is held' if held else 'nothing'}")

            if held:
                cell.set_aside()
            else:
                cell.try_again()
            observation = cell.observe()


if __name__ == "__main__":
    main()
