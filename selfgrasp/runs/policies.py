"""Policies by name: `random`, `heuristic`, `oracle`, a method's shipped weights, or a run folder."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from selfgrasp.core import Policy
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.workcell.cells import SimCell

EXPLORE = "+explore"
"""After a learned policy's name: the policy it collects with, which draws from its own opinion instead of doing the best."""
BASELINES = ("random", "heuristic", "oracle")


def load_policy(name: str, cell: SimCell | None = None) -> Policy:
    """The policy called `name`, or the one that a run folder or a checkpoint holds.

    Args:
        name: a baseline, a method with shipped weights, or a path.
        cell: the simulated cell, which the oracle needs.

    Raises:
        InputError: no such policy; the message lists the known ones.
    """
    if name == "random":
        from selfgrasp.methods.baselines import RandomPolicy

        return RandomPolicy()
    if name == "heuristic":
        from selfgrasp.methods.baselines import HeuristicPolicy

        return HeuristicPolicy()
    if name == "oracle" and cell is not None:
        from selfgrasp.workcell.sim.oracle import OraclePolicy

        return OraclePolicy(cell.cell)
    if name.endswith(EXPLORE):
        return load_policy(name.removesuffix(EXPLORE), cell).exploring()  # type: ignore[attr-defined]
    path = checkpoint_of(name)
    if path is None:
        raise _unknown(name)
    from selfgrasp.methods.registry import load

    return load(path)


def require_policy(name: str) -> None:
    """Say at once that there is no such policy, without loading one.

    Raises:
        InputError: no such policy; the message lists the known ones.
    """
    if name not in BASELINES and checkpoint_of(name) is None:
        raise _unknown(name)


def _unknown(name: str) -> InputError:
    return unknown_name("policy", name, [*BASELINES, *shipped(), "a run folder or a checkpoint file"])


def checkpoint_of(name: str) -> Path | None:
    """The checkpoint file that `name` stands for: shipped weights, a file, or a run folder's best; None if there is none."""
    name = name.removesuffix(EXPLORE)
    if name in shipped():
        return Path(str(files("selfgrasp.methods") / name / f"{name}.safetensors"))
    path = Path(name)
    for candidate in (path, path / "checkpoints" / "best.safetensors"):
        if candidate.is_file():
            return candidate
    return None


def shipped() -> tuple[str, ...]:
    """Methods whose weights come with the package."""
    root = Path(str(files("selfgrasp.methods")))
    return tuple(sorted(p.parent.name for p in root.glob("*/*.safetensors") if p.stem == p.parent.name))


def checkpoint_hash(name: str) -> str:
    """`@` and 12 hex digits of the checkpoint that `name` stands for; empty for a policy without one."""
    path = checkpoint_of(name)
    return "" if path is None else "@" + hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def privileged_of(name: str) -> tuple[str, ...]:
    """What the policy of that name reads that a real robot cannot sense."""
    if name == "oracle":
        from selfgrasp.workcell.sim.oracle import OraclePolicy

        return OraclePolicy.privileged
    return load_policy(name).privileged
