"""How well `selfgrasp plan` grasps from other places than those it was trained for: success over
the camera's tilt and distance, in simulation.

    python -m benchmarks.views [--policy NAME] [--scenes N]
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from selfgrasp.common.intervals import wilson
from selfgrasp.core import CameraSpec, Context, Grasp, InputError, Plan, Policy, View
from selfgrasp.core.pose import looking_at
from selfgrasp.rollout.picture import plan_grasps, read_context
from selfgrasp.rollout.picture_files import PictureFiles
from selfgrasp.rollout.policies import load_policy
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.simulated import SimCell, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.sim.camera import SimCamera
from selfgrasp.workcell.sim.noise import realistic
from selfgrasp.workcell.sim.render import make_renderer
from selfgrasp.workcell.workcell import Workcell

PX, FOCAL = 320, 1.2
"""Pixels of a side, and the focal length as a multiple of it: 45 degrees of view."""
TRAINED_TILT, TRAINED_DISTANCE = 15.0, 0.75
TILTS = (0.0, 15.0, 30.0, 45.0, 60.0)
DISTANCES = (0.4, 0.55, 0.75, 1.0, 1.25, 1.5)
OBJECTS, ATTEMPTS = 5, 4
FIRST_SCENE = 3_000_100


@dataclass(frozen=True)
class PlannedFromFiles:
    """Answers with what `selfgrasp plan` says of the picture as files, without a pose."""

    policy: Policy
    folder: Path
    name: str = "plan"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """The chosen grasp, brought into the cell's world by the camera's calibration."""
        view = context.observation.view()
        try:
            read = read_context(self._files(view), context.spec.gripper)
        except InputError as error:
            return Plan.nothing(str(error))
        plan = plan_grasps(self.policy, read)
        if not isinstance(plan.action, Grasp):
            return Plan.nothing(plan.reason or "no grasp")
        planned_from_camera = read.context.observation.view().world_from_camera
        tool = np.linalg.inv(planned_from_camera) @ plan.action.world_from_tool
        return Plan.only(Grasp(view.world_from_camera @ tool, plan.action.width))

    def _files(self, view: View) -> PictureFiles:
        names = ("color.png", "depth.npy", "intrinsics.json")
        color, depth, intrinsics = (self.folder / name for name in names)
        cv2.imwrite(str(color), view.color[..., ::-1])
        np.save(depth, view.depth)
        intrinsics.write_text(json.dumps(view.intrinsics.tolist()))
        return PictureFiles(color, depth, intrinsics, pixel_origin="corner")


def looking(base: SimCell, *, tilt: float, distance: float) -> tuple[Workcell, SimCamera]:
    """The cell with a camera `distance` m from the table's middle, `tilt` degrees from above."""
    angle = math.radians(tilt)
    place = (0.0, -distance * math.sin(angle), distance * math.cos(angle))
    f, c = FOCAL * PX, PX / 2
    intrinsics = np.array([[f, 0, c], [0, f, c], [0, 0, 1.0]])
    spec = CameraSpec(PX, PX, intrinsics, looking_at(place, (0.0, 0.0, 0.0)))
    renderer = make_renderer(base.world.model, PX, PX)
    camera = SimCamera(
        spec, renderer, lambda: base.world.data, realistic(), np.random.default_rng(0)
    )
    drivers = replace(base.cell.drivers, cameras={"overhead": camera})
    spec_with = replace(base.cell.spec, cameras={"overhead": spec})
    return Workcell(drivers, spec_with, on_close=renderer.close), camera


def measured(policy: Policy, *, tilt: float, distance: float, scenes: int) -> tuple[int, int]:
    """Grasps that held, and attempts."""
    held = tried = 0
    config = TabletopConfig(count=OBJECTS, wall_height=0.0)
    with tempfile.TemporaryDirectory() as folder, tabletop("test", config) as base:
        cell, camera = looking(base, tilt=tilt, distance=distance)
        planner = PlannedFromFiles(policy, Path(folder))
        for scene in range(FIRST_SCENE, FIRST_SCENE + scenes):
            camera.randomise(np.random.default_rng(scene))
            cell.reset(scene)
            for index in range(ATTEMPTS):
                attempt = cell.attempt(planner, Ids("views", scene, index)).attempt
                held, tried = held + attempt.outcome.grasped, tried + 1
                if attempt.outcome.grasped:
                    cell.set_aside()
        cell.close()
    return held, tried


def places() -> Iterator[tuple[float, float]]:
    """Tilts at the trained distance, then distances at the trained tilt."""
    yield from ((tilt, TRAINED_DISTANCE) for tilt in TILTS)
    yield from ((TRAINED_TILT, d) for d in DISTANCES if d != TRAINED_DISTANCE)


def main() -> None:
    """Print a row a place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="supersizing")
    parser.add_argument("--scenes", type=int, default=10)
    args = parser.parse_args()
    policy = load_policy(args.policy)
    print(f"{args.policy}\n\n| tilt, degrees | distance, m | success | 95 % | n |")
    print("|---|---|---|---|---|")
    for tilt, distance in places():
        held, tried = measured(policy, tilt=tilt, distance=distance, scenes=args.scenes)
        rate = wilson(held, tried)
        between = f"{rate.low:.0%} to {rate.high:.0%}"
        print(f"| {tilt:g} | {distance:g} | {rate.value:.0%} | {between} | {tried} |", flush=True)


if __name__ == "__main__":
    main()
