"""Lesson 4: a policy of your own. Whatever has a name, `privileged` and `plan(context) -> Plan` is
one: nothing to inherit, nothing to register.

Run it:  .venv/bin/python examples/04_your_own_policy.py
"""

import numpy as np

from selfgrasp.core import Context, Plan, Policy
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.vision.foreground import foreground
from selfgrasp.vision.grasp_pose import grasp_at
from selfgrasp.vision.heightmap import heightmap
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.simulated import tabletop

CANDIDATES = 64


class Highest:
    """Prefers what stands high: tries many random grasps on things and scores each by the height of
    the place."""

    name = "highest"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """Candidates with scores; the best is done, the others show in reports."""
        workspace, gripper, rng = context.spec.workspace, context.spec.gripper, context.rng()
        seen = heightmap(context.observation.view(), workspace, margin=0.0)
        rows, columns = np.nonzero(foreground(seen, surface=workspace.surface))
        if not len(rows):
            return Plan.nothing("nothing stands on the table")
        chosen = rng.integers(len(rows), size=CANDIDATES)
        places = seen.world_xy(np.column_stack([columns[chosen], rows[chosen]]) + 0.5)
        yaws = rng.uniform(-np.pi / 2, np.pi / 2, CANDIDATES)
        grasps = tuple(
            grasp_at(seen, xy, yaw, gripper, workspace)
            for xy, yaw in zip(places, yaws, strict=True)
        )
        return Plan(actions=grasps, scores=seen.height_at(places).astype(np.float64))


def main() -> None:
    """Five attempts on each of four scenes."""
    policy: Policy = Highest()
    outcomes = []
    with tabletop(train_objects(30)).cell as cell:
        for scene in range(4):
            cell.reset(scene)
            for index in range(5):
                outcome = cell.attempt(
                    policy, Ids(session="lesson", scene=scene, index=index)
                ).attempt.outcome
                outcomes.append(outcome.grasped)
                if outcome.grasped:
                    cell.set_aside()
    print(
        f"{policy.name}: {sum(outcomes)} of {len(outcomes)} held; a measured figure with its "
        "interval comes from `selfgrasp bench`"
    )


if __name__ == "__main__":
    main()
