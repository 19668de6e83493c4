"""Lesson 2: a dataset is attempts on the disk. Columns come as arrays, attempts as a stream, labels
by name.

Run it:  .venv/bin/python examples/02_look_at_a_dataset.py
"""

import sys
from pathlib import Path

from selfgrasp.cli import main as selfgrasp
from selfgrasp.core import Grasp
from selfgrasp.core.pose import yaw_of
from selfgrasp.dataset import Dataset

FOLDER = Path("datasets/lesson")


def main() -> int:
    """Collect thirty attempts, unless they are there already, and look at them."""
    code = selfgrasp(
        [
            "collect",
            "--policy",
            "heuristic",
            "--attempts",
            "30",
            "--attempts-per-scene",
            "6",
            "--out",
            str(FOLDER),
        ]
    )
    if code:
        return code
    with Dataset.open(FOLDER) as data:
        grasped = data.column("grasped")
        print(
            f"{len(data)} attempts in the cell {data.spec.name!r}; {grasped.sum()} held "
            f"something; split by {data.split.by}"
        )
        print("labels beside them:", ", ".join(data.label_names))

        for attempt in data.attempts(data.ids()[grasped][:3]):
            asked = attempt.steps[0].action
            assert isinstance(asked, Grasp)
            assert attempt.before is not None
            yaw = yaw_of(asked.world_from_tool)
            height, width = attempt.before.view().size
            print(
                f"{attempt.id}: a {width} x {height} px look, closing along {yaw:+.2f} rad, "
                f"{1000 * attempt.outcome.width:.0f} mm held"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
