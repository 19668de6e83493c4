"""From a job to what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from selfgrasp.common.checks import check_minimum
from selfgrasp.core import InputError, unknown_name
from selfgrasp.evaluation.data import measure_prediction
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measured import Measured, policy_label
from selfgrasp.evaluation.played import measure_played
from selfgrasp.protocols import PLAYED


def measure(args: BenchJob) -> Measured:
    """Rows, intervals and paired differences of every policy.

    Raises:
        InputError: an unknown protocol or policy (the known ones are listed), or fewer than one
            trial.
    """

    check_minimum(args, trials=1, workers=1)
    check_labels(args.policy)
    if args.protocol == "prediction":
        return measure_prediction(args)
    if args.protocol not in PLAYED:
        raise unknown_name("protocol", args.protocol, [*PLAYED, "prediction"])
    return measure_played(args, PLAYED[args.protocol])


def check_labels(policies: Sequence[str]) -> None:
    """Policies that reports would call the same can't be told apart there.

    Raises:
        InputError: two of them.
    """

    named: dict[str, str] = {}
    for policy in policies:
        other = named.setdefault(policy_label(policy), policy)
        if other != policy:
            raise InputError(
                given=f"{other} and {policy}, both called {policy_label(policy)!r} in reports",
                wanted="run folders of different names",
            )
