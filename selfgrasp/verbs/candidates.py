"""`selfgrasp candidates`: grasps with analytic labels from shapes alone; goes on where it
stopped."""

from __future__ import annotations

from selfgrasp.rollout.jobs import CandidatesJob as Args


def run(args: Args) -> int:
    """Make them, and say how it went."""
    from selfgrasp.rollout.candidates import THRESHOLD, make_candidates

    made = make_candidates(args)
    if not made.new:
        print(
            f"{args.out}: {made.candidates} candidates are there already; --grasps is how many "
            "there shall be"
        )
        return 0
    print(
        f"{args.out}: {made.candidates} candidates, {made.new} new, {made.positive:.1%} of them "
        f"with robust epsilon above {THRESHOLD}, {made.new / max(made.seconds, 1e-9):.0f} grasps/s"
    )
    return 0
