"""Imports run one way: this table is the architecture."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "selfgrasp"
LIBRARY = {
    "core",
    "codec",
    "vision",
    "workcell",
    "dataset",
    "learn",
    "methods",
    "protocols",
    "viz",
    "contracts",
}
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "core": set(),
    "codec": {"core"},
    "vision": {"core"},
    "dataset": {"core", "codec"},
    "learn": {"core", "dataset"},
    "workcell": {"core", "vision"},
    "viz": {"core", "vision"},
    "methods": {"core", "learn", "vision"},
    "protocols": {"core", "workcell", "dataset"},
    "contracts": {"core", "learn", "methods", "vision"},
    "gym": {"core", "workcell"},
    "runs": LIBRARY,
    "cli": {"runs"},
    "__main__": {"cli"},
}
ONLY_IN = {
    "mujoco": ("workcell/sim/",),
    "torch": ("learn/", "methods/", "contracts/", "protocols/", "runs/"),
    "lance": ("dataset/", "runs/doctor.py"),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module, dotted; for `from a import b` both a and a.b, since b may be a
    module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def other_method(path: str, inner: list[str]) -> bool:
    """Whether the file at `path`, in one method's folder, imports `inner`, in another's."""
    mine, theirs = path.split("/")[1], inner[1] if len(inner) > 1 else ""
    return all(
        (PACKAGE / "methods" / name).is_dir() for name in (mine, theirs) if name
    ) and theirs not in ("", mine)


def problems(path: str, source: str) -> list[str]:
    """What `source`, at `path` inside the package, imports against the table."""
    found = []
    part = path.split("/")[0].removesuffix(".py")
    for name in imports(ast.parse(source)):
        top, *inner = name.split(".")
        if not top:
            found.append(f"{path}: relative import {name}")
        elif top in ONLY_IN and not path.startswith(ONLY_IN[top]):
            found.append(f"{path} imports {name}: only {', '.join(ONLY_IN[top])} may")
        elif (
            top == "selfgrasp"
            and inner
            and inner[0] in MAY_IMPORT
            and inner[0] not in MAY_IMPORT.get(part, set()) | {part}
        ):
            found.append(
                f"{path} imports {name}: {part} may import "
                f"{', '.join(sorted(MAY_IMPORT.get(part, set()))) or 'nothing of ours'}"
            )
        elif inner[:1] == ["methods"] and part == "methods" and other_method(path, inner):
            found.append(f"{path} imports {name}: no method imports another")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_run_one_way(file: Path):
    path = file.relative_to(PACKAGE).as_posix()
    assert path.split("/")[0].removesuffix(".py") in MAY_IMPORT, (
        f"{path}: a new part of the package; give it a row in this table"
    )
    assert not problems(path, file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/pose.py", "from selfgrasp.vision import crop"),
        ("methods/vpg/method.py", "from selfgrasp.workcell.sim import world"),
        ("methods/vpg/method.py", "def f():\n    import mujoco"),
        ("vision/crop.py", "import torch.nn.functional as F"),
        ("learn/fit.py", "from selfgrasp import runs"),
        ("core/plan.py", "from . import pose"),
    ],
)
def test_the_offending_import_is_named(path: str, source: str):
    (message, *_) = problems(path, source)
    assert path in message


@pytest.mark.parametrize("file", sorted((PACKAGE / "runs").glob("*.py")), ids=lambda f: f.name)
def test_no_verb_draws_inside_a_loop(file: Path):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    froms = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module]
    drawn = {
        alias.asname or alias.name
        for n in froms
        if str(n.module).startswith("selfgrasp.viz.draw")
        for alias in n.names
    }
    loops = [n for n in ast.walk(tree) if isinstance(n, ast.For | ast.While)]
    assert (
        not {n.id for loop in loops for n in ast.walk(loop) if isinstance(n, ast.Name)} & drawn
    ), "watchers draw"


def test_the_nouns_need_numpy_alone():
    code = (
        "import sys, selfgrasp.core; print(*sorted({'torch', 'mujoco', 'cv2', 'lance', 'tyro', "
        "'scipy'} & set(sys.modules)))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == ""
    )
