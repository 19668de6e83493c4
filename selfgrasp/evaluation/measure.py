"""From a job to what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from selfgrasp.common.checks import check_minimum
from selfgrasp.core import InputError, PolicyRef, unknown_name
from selfgrasp.evaluation.data import measure_prediction
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.measured import Measured
from selfgrasp.evaluation.played import measure_played
from selfgrasp.protocols import PLAYED
from selfgrasp.rollout.policies import load_policy, resolve


def measure(args: BenchJob) -> Measured:
    """Rows, intervals and paired differences of every policy.

    Raises:
        InputError: an unknown protocol or policy (the known ones are listed), or fewer than one
            trial.
    """

    check_minimum(args, trials=1, workers=1)
    policies = resolve_all(args.policy)
    if args.protocol == "prediction":
        return measure_prediction(args, policies)
    if args.protocol not in PLAYED:
        raise unknown_name("protocol", args.protocol, [*PLAYED, "prediction"])
    return measure_played(args, PLAYED[args.protocol], policies)


def resolve_all(texts: Sequence[str]) -> tuple[PolicyRef, ...]:
    """The policies of these names, each loaded once: a broken one is found before others have
    played for an hour.

    Raises:
        InputError: an unknown or broken policy, or two that reports would call the same.
    """
    texts_by_label: dict[str, str] = {}
    policies = []
    for text in texts:
        policy = resolve(text)
        if policy.learned:
            load_policy(policy)
        other = texts_by_label.setdefault(policy.label, text)
        if other != text:
            raise InputError(
                given=f"{other} and {text}, both called {policy.label!r} in reports",
                wanted="run folders of different names",
            )
        policies.append(policy)
    return tuple(policies)
