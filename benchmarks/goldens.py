"""What must stay as it is while code moves: help, collections, plans and quick reproductions.

    python -m benchmarks.goldens record DIR           with the package that Python finds
    python -m benchmarks.goldens compare DIR DIR      exit code 1 where they differ

Rounding differs between processors, so compare what one machine recorded. Random numbers hang on
the session, which holds the version of the package: record both with the same `__version__`.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

COLLECTIONS = {
    "tabletop": ("--cell", "tabletop", "--policy", "random"),
    "kuka_bin": ("--cell", "kuka_bin", "--policy", "random_servo"),
}
SHIPPED = {"supersizing": "tabletop", "hand_eye": "kuka_bin", "semantic": "kuka_bin"}
CONTEXTS = 6
_TIMED = ("seconds", "picks_per_hour", "commit", "versions", "said", "cores")
_NAMED = {"policy", "objects", "metric"}


def selfgrasp(*arguments: str) -> str:
    """Standard output of the command line, in a wide terminal without colours."""
    environment = os.environ | {"COLUMNS": "120", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "selfgrasp", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def record(folder: Path) -> None:
    """Write every golden below `folder`; what is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    verbs = importlib.import_module("selfgrasp.cli").VERBS
    helps = folder / "help.json"
    if not helps.exists():
        write(helps, {verb: selfgrasp(verb, "--help") for verb in verbs})
    for name, arguments in COLLECTIONS.items():
        data = folder / "data" / name
        selfgrasp("collect", "--out", str(data), "--attempts", "60", "--seed", "7", *arguments)
        write(folder / f"collect-{name}.json", attempts(data))
    for name, cell in SHIPPED.items():
        write(folder / f"plans-{name}.json", plans(name, folder / "data" / cell))
    for name in SHIPPED:
        report = folder / f"reproduce-{name}" / "report.json"
        selfgrasp("reproduce", name, "--quick", "--out", str(report.parent))
        write(folder / f"reproduce-{name}.json", untimed(json.loads(report.read_text())))


def attempts(folder: Path) -> list[list[Any]]:
    """Ids, outcomes and actions of a dataset, in order."""
    from selfgrasp.dataset import Dataset

    with Dataset.open(folder) as data:
        return [
            [a.id, a.outcome.grasped, str(a.outcome.fault), [repr(s.action) for s in a.steps]]
            for a in data.attempts()
        ]


def plans(policy: str, folder: Path) -> list[dict[str, Any]]:
    """Plans of shipped weights on the first looks of a dataset."""
    from selfgrasp.core import Context, Goal
    from selfgrasp.dataset import Dataset
    from selfgrasp.rollout.policies import load_policy

    loaded = load_policy(policy)
    goal = Goal(category="spoon") if policy == "semantic" else Goal()
    found = []
    with Dataset.open(folder) as data:
        for attempt in islice(data.attempts(), CONTEXTS):
            assert attempt.before is not None
            context = Context(attempt.before, data.spec, goal, first=attempt.before, seed=11)
            plan = loaded.plan(context)
            found.append({"action": repr(plan.action), "scores": plan.scores.tolist()})
    return found


def untimed(value: Any) -> Any:
    """A report without what depends on the clock, the commit or the libraries; figures by name."""
    if isinstance(value, dict):
        kept = {k: untimed(v) for k, v in value.items() if not any(w in k for w in _TIMED)}
        return dict(sorted(kept.items()))
    if not isinstance(value, list):
        return value
    if not value or not all(isinstance(row, dict) and row.keys() >= _NAMED for row in value):
        return [untimed(v) for v in value]
    figures = {" ".join(str(r[part]) for part in sorted(_NAMED)): untimed(r) for r in value}
    return {k: v for k, v in sorted(figures.items()) if not any(w in k for w in _TIMED)}


def write(path: Path, value: Any) -> None:
    """As indented JSON."""
    path.write_text(json.dumps(value, indent=1, default=str) + "\n")


def compare(one: Path, other: Path) -> int:
    """Print the goldens of two folders that differ, with the first lines that do."""
    different = 0
    for path in sorted(one.glob("*.json")):
        before, after = (p.read_text().splitlines() for p in (path, other / path.name))
        lines = [f"    - {a}\n    + {b}" for a, b in zip(before, after, strict=False) if a != b]
        same = before == after
        different += not same
        print(f"{path.name}: {'equal' if same else f'{len(lines)} lines differ'}")
        print("\n".join(lines[:8]))
    return int(different > 0)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["record", folder]:
            record(Path(folder))
        case ["compare", one, other]:
            sys.exit(compare(Path(one), Path(other)))
        case _:
            sys.exit(__doc__)
