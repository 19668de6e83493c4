"""Every lesson runs to its end, from an empty folder."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selfgrasp.contracts.methods import CONTRACTS
from selfgrasp.methods import registry

LESSONS = sorted((Path(__file__).parents[1] / "examples").glob("[0-9]*.py"))
SMALLER = {"03_train_and_bench.py": ("60", "1"), "08_your_own_method.py": ("60", "1")}
"""Arguments with which a lesson of minutes takes seconds."""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.name)
def test_the_lesson_runs(lesson: Path, tmp_path: Path):
    command = [sys.executable, lesson, *SMALLER.get(lesson.name, ())]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_lessons_are_numbered():
    assert [path.name[:2] for path in LESSONS] == [
        f"{number:02d}" for number in range(1, len(LESSONS) + 1)
    ]
    assert all(
        path.read_text(encoding="utf-8").startswith(f'"""Lesson {int(path.name[:2])}: ')
        for path in LESSONS
    )


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
def test_the_method_of_the_lesson_keeps_the_contracts(
    contract: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
):
    spec = importlib.util.spec_from_file_location("patches", LESSONS[7])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    for name in ("patches", "patches.config", "patches.method"):
        monkeypatch.setitem(sys.modules, name, package)
    monkeypatch.setattr(registry, "methods", lambda: {"patches": "patches"})
    spec.loader.exec_module(package)
    contract("patches:small")
