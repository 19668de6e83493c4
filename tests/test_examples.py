"""Every lesson runs to its end, from an empty folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LESSONS = sorted((Path(__file__).parents[1] / "examples").glob("[0-9]*.py"))
MINUTES_LONG = {"03_train_and_bench.py"}
"""Run by hand: their steps are what `tests` of training and of the benchmark run smaller."""


@pytest.mark.parametrize("lesson", [path for path in LESSONS if path.name not in MINUTES_LONG], ids=lambda path: path.name)
def test_the_lesson_runs(lesson: Path, tmp_path: Path):
    done = subprocess.run([sys.executable, lesson], cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONSAFEPATH": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


def test_lessons_are_numbered():
    assert [path.name[:2] for path in LESSONS] == [f"{number:02d}" for number in range(1, len(LESSONS) + 1)]
    assert all(path.read_text(encoding="utf-8").startswith(f'"""Lesson {int(path.name[:2])}: ') for path in LESSONS)
