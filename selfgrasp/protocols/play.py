"""The loop that `isolated` and `clear` share: attempt after attempt on one scene, what is lifted is set aside."""

from __future__ import annotations

import time

from selfgrasp.core import Context, Fault, Plan, Policy
from selfgrasp.protocols.episode import Episode
from selfgrasp.workcell.cells import SimCell
from selfgrasp.workcell.workcell import Ids


class Timed:
    """A policy with a stopwatch: `seconds` of planning so far."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name, self.privileged = policy.name, policy.privileged
        self.seconds = 0.0

    def plan(self, context: Context) -> Plan:
        """The policy's plan."""
        start = time.perf_counter()
        plan = self._policy.plan(context)
        self.seconds += time.perf_counter() - start
        return plan


def play_until_clear(cell: SimCell, policy: Policy, seed: int, *, session: str, most: int) -> Episode:
    """Up to `most` attempts on the scene of `seed`; ends when nothing is left, or when the policy sees nothing."""
    workcell = cell.cell
    before = workcell.reset(seed)
    timed = Timed(policy)
    start = workcell.drivers.scene.time()
    judged = true = doubles = disagreements = attempts = 0
    held: list[str] = []
    while attempts < most and cell.remaining():
        played = workcell.attempt(timed, Ids(session, seed, attempts), before=before)
        attempts += 1
        outcome = played.attempt.outcome
        truth = {label.name: label.value for label in played.labels}
        lifted = bool(truth.get("truth.grasped", False))
        judged += outcome.grasped
        true += lifted
        doubles += int(truth.get("truth.held", 0)) > 1  # type: ignore[arg-type]
        disagreements += outcome.grasped != lifted
        if lifted:
            held.append(str(truth["truth.object"]))
        if outcome.fault is Fault.NOTHING:
            attempts = most
            break
        before = played.attempt.after
        if outcome.grasped:
            workcell.set_aside()
            before = None
    seconds = workcell.drivers.scene.time() - start
    return Episode(seed, attempts, judged, true, doubles, disagreements, cell.remaining() == 0, seconds, timed.seconds, tuple(held))
