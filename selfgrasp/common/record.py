"""What every run writes down: config.json and env.json."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import selfgrasp
from selfgrasp.common.files import atomic_write

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


def environment(seed: int) -> dict[str, object]:
    """Commit, versions, seed, machine."""

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
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(value, indent=2, default=to_plain) + "\n")


def plain(value: Any) -> Any:
    """`value` as it reads back after `write_json`."""
    return json.loads(json.dumps(value, default=to_plain))


def write_config(folder: Path, args: Any, seed: int) -> None:
    """config.json and env.json of a run."""
    write_json(folder / "config.json", args)
    write_json(folder / "env.json", environment(seed))


def to_plain(value: Any) -> Any:
    """What JSON can say of a value that is none of its own: for `json.dumps(default=)`."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
