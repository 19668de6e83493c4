"""The loop that played protocols share: attempt after attempt on one scene, what is lifted is set
aside or put back."""

from __future__ import annotations

import numpy as np

from selfgrasp.core import Fault, Policy
from selfgrasp.core.policy import Timed
from selfgrasp.protocols.episode import Episode
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.play import AfterLift


def play_until_clear(
    cell: SimCell,
    policy: Policy,
    seed: int,
    *,
    session: str,
    most: int,
    after: AfterLift = AfterLift.SET_ASIDE,
) -> Episode:
    """Up to `most` attempts on the scene of `seed`; ends when nothing is left, or when the policy
    sees nothing."""
    workcell = cell.cell
    before = workcell.reset(seed)
    timed = Timed(policy)
    start = workcell.drivers.scene.time()
    rng = np.random.default_rng([seed, 1])
    true = doubles = disagreements = attempts = 0
    outcomes: list[bool] = []
    held: list[str] = []
    while attempts < most and cell.remaining():
        played = workcell.attempt(timed, Ids(session, seed, attempts), before=before)
        attempts += 1
        outcome = played.attempt.outcome
        truth = {label.name: label.value for label in played.labels}
        lifted = bool(truth.get("truth.grasped", False))
        outcomes.append(outcome.grasped)
        true += lifted
        doubles += int(truth.get("truth.held", 0)) > 1  # type: ignore[arg-type]
        disagreements += outcome.grasped != lifted
        if lifted:
            held.append(str(truth["truth.object"]))
        if outcome.fault is Fault.NOTHING:
            break
        before = played.attempt.after
        if outcome.grasped:
            if after is AfterLift.PUT_BACK:
                workcell.put_back(rng)
            else:
                workcell.set_aside()
            before = None
    seconds = workcell.drivers.scene.time() - start
    return Episode(
        seed,
        attempts,
        sum(outcomes),
        true,
        doubles,
        disagreements,
        cell.remaining() == 0,
        seconds,
        timed.seconds,
        tuple(held),
        tuple(outcomes),
    )
