"""Do analytic labels foretell what becomes of a grasp? Grasps of each decile of robust epsilon are
done in the simulation; labels and policies are compared with the outcomes.

    python -m benchmarks.outcomes --out FOLDER [--policy NAME ...] [--each N] [--workers N]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from selfgrasp.papers.dexnet.outcomes import OutcomesJob, outcomes


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--policy", nargs="*", default=["supersizing", "heuristic"])
    parser.add_argument("--each", type=int, default=150)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    job = OutcomesJob(args.out, tuple(args.policy), each=args.each, workers=args.workers)
    for table in outcomes(job).tables:
        print(f"\n{table.title}\n\n{table.note}\n")
        for row in (table.columns, ["---"] * len(table.columns), *table.rows):
            print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
