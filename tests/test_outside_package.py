"""A package from outside brings a method, its weights, and a paper's folder with reproduction and
demo. Nothing in selfgrasp knows of it: it is found through entry points alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
METHOD = (ROOT / "examples" / "08_your_own_method.py").read_text(encoding="utf-8")
CONFIG = (
    "from outside_grasping.patches.method import PatchesConfig, small\nPRESETS = {'small': small}"
)
ENTRY_POINTS = """\
[selfgrasp.methods]
patches = outside_grasping.patches

[selfgrasp.papers]
patches = outside_grasping.paper
"""
PAPER = ROOT / "tests" / "outside_package" / "outside_grasp" / "paper"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process in which such a package is installed."""
    site = tmp_path_factory.mktemp("site")
    package = site / "outside_grasping"
    files = {
        "__init__.py": "",
        "patches/__init__.py": "",
        "patches/method.py": METHOD,
        "patches/config.py": CONFIG,
    }
    # The paper of another method, which is the same but for the name.
    files |= {
        f"paper/{file.name}": file.read_text(encoding="utf-8").replace("poke", "patches")
        for file in PAPER.glob("*.py")
    }
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text, encoding="utf-8")
    info = site / "outside_grasping-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-grasping\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    path = os.pathsep.join((str(site), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200"}
    weights = package / "patches" / "patches.safetensors"
    script = (
        "import sys; from pathlib import Path; from selfgrasp.learn import save; "
        "from selfgrasp.methods.registry import build; save(Path(sys.argv[1]), build('patches'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(weights)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return environment


def selfgrasp(outside: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "selfgrasp", *arguments],
        env=outside,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    return done.stdout


def test_its_demo_has_its_own_options_and_those_of_its_cell(outside: dict[str, str]):
    said = selfgrasp(outside, "demo", "patches", "--help")
    assert "--wishes" in said
    assert "--options.count" in said
    assert "--staged" not in said
    assert "selfgrasp demo patches --help" in " ".join(selfgrasp(outside, "demo", "--help").split())


def test_its_demo_plays_its_shipped_weights(outside: dict[str, str]):
    said = selfgrasp(outside, "demo", "patches", "--wishes", "1", "--options.count", "3")
    assert said.splitlines() == ["3 objects, attempt 0: 1 actions"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_its_reproduction_runs_and_is_skipped_the_second_time(
    outside: dict[str, str], tmp_path: Path
):
    assert "hand_eye, patches, semantic, supersizing" in " ".join(
        selfgrasp(outside, "reproduce", "--help").split()
    )
    command = ("reproduce", "patches", "--quick", "--workers", "1", "--out", str(tmp_path / "out"))
    said = selfgrasp(outside, *command)
    assert "patches:small, after A paper from outside" in said
    assert "Ours beside theirs" in said
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {row["policy"] for row in report["rows"]} == {"random", "patches (first)"}
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    again = selfgrasp(outside, *command)
    assert "are there already" in again
    assert "is there already" in again
