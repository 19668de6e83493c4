"""Policies by name: a baseline, a method's shipped weights, a run's folder or a checkpoint."""

from __future__ import annotations

import hashlib
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from selfgrasp.core import Policy, PolicyRef
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.policy_ref import PRESET, VARIANT, PolicyText
from selfgrasp.learn import Method, read_info
from selfgrasp.learn.checkpoint import checkpoint_path
from selfgrasp.methods import registry
from selfgrasp.rollout.pushing import PUSHES, PushAfterMiss
from selfgrasp.workcell.cells.simulated import SimCell

_ORACLE = "oracle"
"""The baseline that plays in the simulation itself; no method may import a simulator."""
_REGISTRATION = "registration"
"""The baseline that knows objects; no method may import them."""
_ELSEWHERE = {
    _REGISTRATION: ("selfgrasp.rollout.registration.policy", "RegistrationPolicy"),
    _ORACLE: ("selfgrasp.workcell.sim.oracle", "OraclePolicy"),
}
"""Module and class of the baselines that are no method's; loaded where they are asked for."""
_NUMBERED = re.compile(r"(?P<name>[A-Za-z_]\w*?)(?P<number>\d+)")


def resolve(text: str) -> PolicyRef:
    """The policy that `text` names. What it means does not depend on the working folder, but for
    relative paths (see `PolicyText`).

    Args:
        text: a baseline, a method with shipped weights, METHOD:PRESET, or the path of a run's
            folder or of a checkpoint; + and a variant may follow.

    Raises:
        InputError: no such policy; the message lists the known ones.
    """
    given = PolicyText.parse(text)
    if given.path is not None:
        if not given.path.exists():
            raise _unknown(str(given.path))
        return _stored(checkpoint_path(given.path).absolute(), given.variant)
    if given.name in baselines():
        if given.variant not in ("", PUSHES) or given.preset:
            raise InputError(
                given=f"policy {text!r}",
                wanted=f"{given.name} or {given.name}+{PUSHES}: a baseline has neither variants "
                "nor presets of its own",
            )
        privileged = baseline_class(given.name).privileged
        return PolicyRef(given.name, variant=given.variant, privileged=privileged)
    file = registry.weights(given.name, given.preset)
    if file is None:
        raise _unknown(text.removesuffix(f"{VARIANT}{given.variant}"))
    if (holds := read_info(file).method) != given.name:
        raise InputError(
            given=f"{file} with weights of {holds}",
            wanted=f"weights of {given.name}, which ships them",
        )
    return _stored(file, given.variant, shipped=True, preset=given.preset)


def load_policy(of: PolicyRef | str, cell: SimCell | None = None) -> Policy:
    """The policy, ready to plan.

    Args:
        of: the policy, or a text for `resolve`.
        cell: the simulated cell, which the oracle needs.

    Raises:
        InputError: no such policy or variant; the message lists the known ones. The oracle without
            a simulated cell.
    """
    ref = resolve(of) if isinstance(of, str) else of
    pushes = ref.variant == PUSHES
    if ref.file is None:
        policy = _baseline(ref.name, cell)
    else:
        method = registry.load(ref.file)
        plain = pushes or not ref.variant
        policy = method if plain else _variant(method, ref.variant)
    return PushAfterMiss(policy) if pushes else policy


def _baseline(name: str, cell: SimCell | None) -> Policy:
    kind = baseline_class(name)
    if name == _ORACLE and cell is None:
        raise InputError(
            given=f"policy {name!r} without a simulated cell",
            wanted="another policy: this one tries in the simulation first",
        )
    made: Any = kind(cell.cell) if name == _ORACLE and cell else kind()
    if name == _REGISTRATION and cell:
        # Before the first plan, whose time is measured.
        made.prepare(cell.cell.spec.gripper)
    policy: Policy = made
    return policy


def baselines() -> tuple[str, ...]:
    """Names of the policies that learn nothing."""
    return (*(name for name in registry.baselines() if name not in _ELSEWHERE), *_ELSEWHERE)


def baseline_class(name: str) -> type[Any]:
    """The class of the baseline `name`.

    Raises:
        InputError: no such baseline, or an entry point that leads to something else.
    """
    if name not in baselines():
        raise unknown_name("baseline", name, baselines())
    if name not in _ELSEWHERE:
        return registry.baseline_class(name)
    module, kind = _ELSEWHERE[name]
    found: type[Any] = getattr(import_module(module), kind)
    return found


def weights_file(text: str) -> Path:
    """The file of weights that `text` names: of a policy, or any other file.

    Raises:
        InputError: no such policy, or one without weights.
    """
    path = PolicyText.parse(text).path
    if path is not None and path.is_file():
        return path
    ref = resolve(text)
    if ref.file is None:
        raise InputError(given=f"{text}, which learns nothing", wanted="a policy with weights")
    return ref.file


def _variant(method: Method, name: str) -> Policy:
    variants, numbered = method.variants(), method.numbered_variants()
    if name in variants:
        return variants[name]
    found = _NUMBERED.fullmatch(name)
    if found and found["name"] in numbered:
        return numbered[found["name"]](int(found["number"]))
    raise unknown_name(
        f"variant of {method.name}",
        name,
        [*variants, PUSHES, *(f"{kind}NUMBER" for kind in numbered)],
    )


def _stored(file: Path, variant: str, *, shipped: bool = False, preset: str = "") -> PolicyRef:
    info = read_info(file)
    return PolicyRef(
        info.method,
        preset,
        file,
        variant,
        weights=hashlib.sha256(file.read_bytes()).hexdigest()[:12],
        shipped=shipped,
        privileged=registry.method_class(info.method).privileged_labels(info.config),
    )


def _unknown(text: str) -> InputError:
    known = [*baselines(), *registry.shipped()]
    name = text.partition(PRESET)[0]
    if "/" not in text and Path(text).exists():
        hint = f"; for the folder or file of that name here write ./{text}"
    elif name in registry.methods():
        hint = f"; {text} has no shipped weights: train it and give the run's folder"
    else:
        hint = ""
    return InputError(
        given=f"policy {text!r}",
        wanted=f"a known policy, or the path of a run's folder or of a checkpoint{hint}",
        exists=", ".join(sorted(known)),
    )
