"""Lesson 1: one attempt. Look, plan, reach, close, lift; what the fingers feel afterwards is the
label.

Run it:  .venv/bin/python examples/01_one_attempt.py
"""

import math

from selfgrasp.core import Context, Grasp
from selfgrasp.core.pose import yaw_of
from selfgrasp.methods.baselines import HeuristicPolicy
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.judge import holds


def main() -> None:
    """One attempt step by step, then three more in one call each."""
    policy = HeuristicPolicy()
    with tabletop(train_objects(30), TabletopConfig(count=5)).cell as cell:
        observation = cell.reset(seed=3)
        assert observation is not None, "a simulated camera always returns a picture"

        plan = policy.plan(Context(observation, cell.spec))
        grasp = plan.action
        assert isinstance(grasp, Grasp), plan.reason
        x, y, z = grasp.world_from_tool[:3, 3]
        yaw = math.degrees(yaw_of(grasp.world_from_tool))
        print(
            f"best of {len(plan.actions)} grasps: at ({x:+.3f}, {y:+.3f}, {z:.3f}) m, closing "
            f"along {yaw:.0f} deg, score {plan.score:.2f}"
        )

        done = cell.do(grasp)
        held = holds(done.hand.width, done.hand.force, cell.judge, closed=cell.spec.gripper.closed)
        print(
            f"fingers {1000 * done.hand.width:.0f} mm apart, pressing with "
            f"{done.hand.force:.0f} N: {'something is held' if held else 'nothing'}"
        )
        cell.set_aside()

        for index in range(1, 4):
            attempt = cell.attempt(policy, Ids(session="lesson", scene=3, index=index)).attempt
            print(f"{attempt.id}: {attempt.outcome}")
            if attempt.outcome.grasped:
                cell.set_aside()


if __name__ == "__main__":
    main()
