"""Every lesson runs to its end, from an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LESSONS = sorted((Path(__file__).parents[1] / "examples").glob("[0-9]*.py"))
SMALLER = {"03_train_and_bench.py": ("60", "1")}
"""Arguments with which a lesson of minutes takes seconds."""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.name)
def test_the_lesson_runs(lesson: Path, tmp_path: Path):
    command = [sys.executable, lesson, *SMALLER.get(lesson.name, ())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONSAFEPATH": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_lessons_are_numbered():
    assert [path.name[:2] for path in LESSONS] == [f"{number:02d}" for number in range(1, len(LESSONS) + 1)]
    assert all(path.read_text(encoding="utf-8").startswith(f'"""Lesson {int(path.name[:2])}: ') for path in LESSONS)
