"""What every run writes down: config.json, env.json and report.json."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import selfgrasp
from selfgrasp.core.files import whole

if TYPE_CHECKING:
    from selfgrasp.runs.bench import Args, Measured

_PACKAGES = ("mujoco", "torch", "numpy", "opencv-python-headless", "pylance")


def versions() -> dict[str, str]:
    """Versions of what the figures depend on."""
    found = {"selfgrasp": selfgrasp.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit of the source tree, with + if it was changed; empty outside a repository."""
    import subprocess

    root = Path(__file__).parent
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def environment(seed: int) -> dict[str, Any]:
    """Commit, versions, seed, machine."""
    import os

    return {
        "commit": commit(),
        "versions": versions(),
        "seed": seed,
        "processor": platform.machine(),
        "cores": os.cpu_count(),
    }


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all; dataclasses and paths become plain
    values."""
    with whole(path) as partial:
        partial.write_text(json.dumps(value, indent=2, default=_plain) + "\n")


def plain(value: Any) -> Any:
    """`value` as it reads back after `write_json`."""
    return json.loads(json.dumps(value, default=_plain))


def write_config(folder: Path, args: Any, seed: int) -> None:
    """config.json and env.json of a run."""
    write_json(folder / "config.json", args)
    write_json(folder / "env.json", environment(seed))


def write_bench(
    folder: Path, args: Args, measured: Sequence[Measured], extra: Mapping[str, Any] | None = None
) -> None:
    """config.json, env.json and report.json of measured protocols."""
    from selfgrasp.runs.episodes import forget

    write_config(folder, args, args.seed)
    write_json(folder / "report.json", bench_json(args, measured, extra or {}))
    forget(folder)


def bench_json(
    args: Args, measured: Sequence[Measured], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The report's values: rows, paired differences, and what was frozen."""
    from selfgrasp.runs.bench import cell_name, row_json

    merged: dict[str, Any] = {}
    for one in measured:
        merged.update(one.extra)
    return {
        "protocol": args.protocol,
        "seed": args.seed,
        "cell": cell_name(args),
        "versions": versions(),
        "rows": [row_json(row) for one in measured for row in one.rows],
        "paired": [pair for one in measured for pair in one.paired],
        "frozen": frozen_hashes(),
        "noise": {"name": args.options.noise},
        **merged,
        **extra,
    }


def frozen_hashes() -> dict[str, str]:
    """Hashes of what must not change once a learned result has been looked at: object lists, noise,
    heuristic."""
    import hashlib

    from selfgrasp.methods.baselines import HeuristicPolicy
    from selfgrasp.workcell.sim.noise import realistic
    from selfgrasp.workcell.sim.objects.catalogue import catalogue_hash, objects_by_name

    def short(value: Any) -> str:
        return hashlib.sha256(
            json.dumps(value, sort_keys=True, default=_plain).encode()
        ).hexdigest()[:12]

    objects = {
        f"objects.{name}": catalogue_hash(objects_by_name(name))[:12]
        for name in ("train", "validation", "test")
    }
    return {**objects, "noise": short(realistic()), "heuristic": short(HeuristicPolicy().config)}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
