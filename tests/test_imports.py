"""Imports run one way: this table is the architecture, and no two files import each other."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "selfgrasp"
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"core", "learn", "objects", "rollout", "workcell"},
    "core": set(),
    "common": {"core"},
    "data": set(),
    "codec": {"core", "common"},
    "vision": {"core"},
    "objects": {"core", "common"},
    "dataset": {"core", "common", "codec"},
    "workcell": {"core", "vision", "objects"},
    "learn": {"core", "common", "dataset"},
    "servo": {"core", "learn", "vision"},
    "methods": {"core", "common", "learn", "servo", "vision"},
    "contracts": {"core", "learn", "methods"},
    "viz": {"core", "common", "vision"},
    "protocols": {"core", "common", "objects", "workcell"},
    "rollout": {
        "core",
        "common",
        "codec",
        "objects",
        "dataset",
        "workcell",
        "learn",
        "methods",
        "vision",
    },
    "evaluation": {
        "core",
        "common",
        "objects",
        "dataset",
        "vision",
        "workcell",
        "learn",
        "methods",
        "protocols",
        "rollout",
    },
    "report": {
        "core",
        "common",
        "dataset",
        "objects",
        "workcell",
        "viz",
        "protocols",
        "rollout",
    },
    "gym": {"core", "objects", "workcell"},
}
MAY_IMPORT["papers"] = {*MAY_IMPORT} - {"__init__", "gym"}
MAY_IMPORT["verbs"] = MAY_IMPORT["papers"] | {"papers"}
MAY_IMPORT["cli"] = {"verbs"}
MAY_IMPORT["__main__"] = {"cli"}
ONLY_IN = {
    "mujoco": ("workcell/sim/", "verbs/doctor.py"),
    "torch": ("learn/", "servo/", "methods/", "contracts/", "rollout/", "papers/", "verbs/"),
    "lance": ("dataset/", "verbs/doctor.py"),
}
MAY_IMPORT_LATE = 4
"""Imports inside functions, outside `verbs/` and the papers' demos, which are verbs, too; each says
why in a comment above it."""
DRAWING = tuple(
    f"selfgrasp.viz.{name}"
    for name in ("draw", "card", "heat", "animate", "reach", "patches", "contact_lines")
)
"""What draws attempts; `overlay` draws one plan on one picture, and `found` what is where in it."""
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(f.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): f
    for f in FILES
}


def annotations_only(tree: ast.AST) -> set[int]:
    """Ids of the nodes under `if TYPE_CHECKING`."""
    blocks = (n for n in ast.walk(tree) if isinstance(n, ast.If))
    guarded = [n for n in blocks if ast.unparse(n.test) == "TYPE_CHECKING"]
    return {id(inner) for block in guarded for inner in ast.walk(block)}


def imports(tree: ast.AST, *, of_types: bool = True) -> Iterator[str]:
    """Every imported module, dotted; for `from a import b` both a and a.b, since b may be a module.

    Imports inside functions are among them; those for annotations alone only with `of_types`.
    """
    left_out = set() if of_types else annotations_only(tree)
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def other_method(path: str, inner: list[str]) -> bool:
    """Whether the file at `path`, in one method's folder, imports `inner`, in another's."""
    mine, theirs = path.split("/")[1], inner[1] if len(inner) > 1 else ""
    both = all((PACKAGE / "methods" / name).is_dir() for name in (mine, theirs) if name)
    return both and theirs not in ("", mine)


def problems(path: str, source: str) -> list[str]:
    """What `source`, at `path` inside the package, imports against the table."""
    found = []
    part = path.split("/")[0].removesuffix(".py")
    allowed = MAY_IMPORT.get(part, set())
    for name in imports(ast.parse(source)):
        top, *inner = name.split(".")
        room = inner[0] if inner else ""
        if not top:
            found.append(f"{path}: relative import {name}")
        elif top in ONLY_IN and not path.startswith(ONLY_IN[top]):
            found.append(f"{path} imports {name}: only {', '.join(ONLY_IN[top])} may")
        elif top == "selfgrasp" and room in MAY_IMPORT and room not in allowed | {part}:
            rooms = ", ".join(sorted(allowed)) or "nothing of ours"
            found.append(f"{path} imports {name}: {part} may import {rooms}")
        elif room == part == "methods" and other_method(path, inner):
            found.append(f"{path} imports {name}: no method imports another")
    return found


def circle(sources: Mapping[str, str]) -> list[str]:
    """Modules of `sources` (by dotted name) that import each other in a circle; empty if none."""
    graph = {}
    for module, source in sources.items():
        found = {name for name in imports(ast.parse(source), of_types=False) if name in sources}
        deepest = {
            name for name in found if not any(other.startswith(f"{name}.") for other in found)
        }
        graph[module] = deepest - {module}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def late_imports(tree: ast.AST) -> list[ast.stmt]:
    """Import statements inside functions."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [n for f in functions for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_run_one_way(file: Path):
    path = file.relative_to(PACKAGE).as_posix()
    part = path.split("/")[0].removesuffix(".py")
    assert part in MAY_IMPORT, f"{path}: a new part of the package; give it a row in this table"
    assert not problems(path, file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/pose.py", "from selfgrasp.vision import crop"),
        ("methods/vpg/method.py", "from selfgrasp.workcell.sim import world"),
        ("methods/vpg/method.py", "def f():\n    import mujoco"),
        ("vision/crop.py", "import torch.nn.functional as F"),
        ("learn/fit.py", "from selfgrasp import verbs"),
        ("core/plan.py", "from . import pose"),
    ],
)
def test_the_offending_import_is_named(path: str, source: str):
    (message, *_) = problems(path, source)
    assert path in message


def test_no_two_files_import_each_other():
    found = circle({name: file.read_text(encoding="utf-8") for name, file in MODULES.items()})
    assert not found, " -> ".join(found)


def test_a_circle_is_found_through_functions_and_not_through_annotations():
    late = {"selfgrasp.a": "def f():\n    from selfgrasp.b import x", "selfgrasp.b": ""}
    assert not circle(late)
    assert circle(late | {"selfgrasp.b": "import selfgrasp.a"})
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import selfgrasp.a"
    assert not circle(late | {"selfgrasp.b": typed})


def test_no_room_is_as_large_as_a_fifth():
    lines: dict[str, int] = {}
    for file in FILES:
        part = file.relative_to(PACKAGE).parts[0]
        lines[part] = lines.get(part, 0) + len(file.read_text(encoding="utf-8").splitlines())
    largest = max(lines, key=lambda part: lines[part])
    assert lines[largest] <= 0.18 * sum(lines.values()), f"{largest}: {lines[largest]} lines"


@pytest.mark.parametrize("room", ["verbs", "rollout", "evaluation", "protocols", "workcell"])
def test_who_plays_does_not_draw(room: str):
    found = [
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in FILES
        if file.relative_to(PACKAGE).parts[0] == room
        for name in imports(ast.parse(file.read_text(encoding="utf-8")))
        if name.startswith(DRAWING)
    ]
    assert not found, "who watches draws: " + ", ".join(found)


def test_only_verbs_import_late():
    late = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in FILES
        if file.relative_to(PACKAGE).parts[0] != "verbs" and not file.match("papers/*/demo.py")
        for node in late_imports(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert len(late) <= MAY_IMPORT_LATE, "\n".join(late)


def test_the_nouns_need_numpy_alone():
    heavy = "{'torch', 'mujoco', 'cv2', 'lance', 'tyro', 'scipy'}"
    code = f"import sys, selfgrasp.core; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
