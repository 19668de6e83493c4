"""`import selfgrasp as sg`: quick, ten names, and a first program of five lines."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import selfgrasp as sg
from selfgrasp.core import Close, Fault, InputError, Plan

NAMES = {
    "tabletop",
    "kuka_bin",
    "policy",
    "Workcell",
    "Attempt",
    "Policy",
    "Plan",
    "Goal",
    "Context",
    "Method",
}


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_ten_names_are_there_and_no_others() -> None:
    assert set(sg.__all__) == NAMES <= set(dir(sg))
    assert all(getattr(sg, name) is not None for name in NAMES)
    with pytest.raises(AttributeError, match="no attribute 'tabletopp'"):
        sg.tabletopp  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded_late() -> None:
    tree = ast.parse(Path(sg.__file__).read_text(encoding="utf-8"))
    (block,) = [n for n in tree.body if isinstance(n, ast.If)]
    imported = {
        alias.asname or alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == NAMES


def test_the_import_alone_loads_nothing_heavy_and_takes_no_time() -> None:
    heavy = run(
        "import sys, selfgrasp; "
        "print(*{'torch', 'mujoco', 'numpy', 'cv2', 'tyro'} & set(sys.modules))"
    )
    assert heavy.strip() == ""
    taken = []
    for _ in range(5):
        code = (
            "import time; t = time.perf_counter(); import selfgrasp; print(time.perf_counter() - t)"
        )
        taken.append(float(run(code)))
    assert min(taken) < 0.05


def test_a_cell_is_used_in_five_lines() -> None:
    with sg.tabletop() as cell:
        attempt = cell.attempt(sg.policy("supersizing"))
    assert isinstance(attempt, sg.Attempt)
    assert attempt.policy == "supersizing"
    assert attempt.outcome.fault is not Fault.NOTHING


def test_a_name_is_no_policy() -> None:
    with sg.tabletop() as cell, pytest.raises(InputError, match=r"'random'.*selfgrasp\.policy"):
        cell.attempt("random")  # type: ignore[arg-type]


def test_calibrated_scores_are_probabilities() -> None:
    actions = (Close(), Close())
    with pytest.raises(InputError, match=r"calibrated scores from 0\.2 to 3; wanted: prob"):
        Plan(actions, np.array([3.0, 0.2]), calibrated=True)
    assert Plan(actions, np.array([1.0, 0.0]), calibrated=True).score == 1
    assert Plan(actions, np.array([3.0, 0.2])).score == 3


def test_attempts_count_up_and_what_is_held_is_set_aside() -> None:
    with sg.tabletop("test") as cell:
        cell.reset(5)
        before = cell.remaining()
        attempts = [cell.attempt(sg.policy("oracle", cell)) for _ in range(2)]
        assert [(a.scene, a.index) for a in attempts] == [(5, 0), (5, 1)]
        assert attempts[0].outcome.grasped
        assert cell.remaining() == before - 1
        again = cell.reset(5)
        assert again is not None
        assert cell.attempt(sg.policy("oracle", cell)).outcome == attempts[0].outcome
