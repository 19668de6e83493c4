"""Policies by name: `random`, `random_servo`, `heuristic`, `oracle`, a method's shipped weights, or
a run folder."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from selfgrasp.core import Policy
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.learn import read_info
from selfgrasp.methods.baselines import HeuristicPolicy, RandomPolicy, RandomServoPolicy
from selfgrasp.methods.registry import load
from selfgrasp.workcell.cells.simulated import SimCell
from selfgrasp.workcell.sim.oracle import OraclePolicy

VARIANT = "+"
"""Between a learned policy's name and that of one of its `Method.variants`: RUN+explore is the
policy it collects with."""
BASELINES = ("random", "random_servo", "heuristic", "oracle")


def load_policy(name: str, cell: SimCell | None = None) -> Policy:
    """The policy called `name`, or the one that a run folder or a checkpoint holds.

    Args:
        name: a baseline, a method with shipped weights, or a path.
        cell: the simulated cell, which the oracle needs.

    Raises:
        InputError: no such policy; the message lists the known ones.
    """
    if name == "random":
        return RandomPolicy()
    if name == "random_servo":
        return RandomServoPolicy()
    if name == "heuristic":
        return HeuristicPolicy()
    if name == "oracle" and cell is not None:
        return OraclePolicy(cell.cell)
    if name == "oracle":
        raise InputError(
            given="policy 'oracle' without a simulated cell",
            wanted="another policy: this one tries in the simulation first",
        )
    path, variant = checkpoint_of(name), _variant_of(name)
    if path is None:
        raise _unknown(name)

    method = load(path)
    if not variant:
        return method
    variants = method.variants()
    if variant not in variants:
        raise unknown_name(f"variant of {method.name}", variant, variants)
    return variants[variant]


def require_policy(name: str) -> None:
    """Say at once that there is no such policy, without loading one.

    Raises:
        InputError: no such policy; the message lists the known ones.
    """
    if name not in BASELINES and checkpoint_of(name) is None:
        raise _unknown(name)


def _unknown(name: str) -> InputError:
    return unknown_name(
        "policy", name, [*BASELINES, *shipped(), "a run folder or a checkpoint file"]
    )


def checkpoint_of(name: str) -> Path | None:
    """The checkpoint file that `name` stands for: shipped weights, a file, or the best one of a
    run's folder; None if there is none, as of baselines."""
    name = name.rpartition(VARIANT)[0] if _variant_of(name) else name
    if name in BASELINES:
        return None
    if name in shipped():
        return Path(str(files("selfgrasp.methods") / name / f"{name}.safetensors"))
    path = Path(name)
    for candidate in (path, path / "best.safetensors", path / "checkpoints" / "best.safetensors"):
        if candidate.is_file():
            return candidate
    return None


def _variant_of(name: str) -> str:
    """What follows the last +, unless the whole name is that of a file or folder."""
    return "" if VARIANT not in name or Path(name).exists() else name.rpartition(VARIANT)[2]


def shipped() -> tuple[str, ...]:
    """Methods whose weights come with the package."""
    root = Path(str(files("selfgrasp.methods")))
    return tuple(
        sorted(p.parent.name for p in root.glob("*/*.safetensors") if p.stem == p.parent.name)
    )


def identity_of(name: str) -> str:
    """What tells the policy called `name` from others, wherever its run lies: method, variant and
    12 hex digits of its checkpoint; a baseline's own name."""
    path = checkpoint_of(name)
    if path is None:
        return name

    weights = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{read_info(path).method}{variant_suffix(name)}@{weights}"


def variant_suffix(name: str) -> str:
    """The + and the variant at the end of a policy's name, or nothing."""
    variant = _variant_of(name)
    return f"{VARIANT}{variant}" if variant else ""


def privileged_of(name: str) -> tuple[str, ...]:
    """What the policy of that name reads that a real robot cannot sense."""
    if name == "oracle":
        return OraclePolicy.privileged
    return load_policy(name).privileged
