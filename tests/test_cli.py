"""The command line: help at once, and every error as one clean message."""

import ast
import importlib
import inspect
import os
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from selfgrasp.cli import VERBS, help_text, main
from selfgrasp.core.errors import InputError
from selfgrasp.evaluation.names import protocol_names
from selfgrasp.methods import registry
from selfgrasp.papers.registry import demo_named, demos
from selfgrasp.rollout.jobs import TrainJob

HEAVY = {"torch", "mujoco", "lance", "scipy", "gymnasium", "trimesh"}
"""Modules that take longer to import than help may take."""


def quickest(*arguments: str) -> float:
    """Seconds of the quickest of three runs of the command line in a fresh process."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "selfgrasp", *arguments], check=True, capture_output=True
        )
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def modules_after(*arguments: str) -> set[str]:
    """The top-level modules that the command line has imported when it ends."""
    code = f"""
import sys
from selfgrasp.cli import main
try:
    main({list(arguments)!r})
except SystemExit as end:
    assert not end.code
print("MODULES", *sys.modules)"""
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return {name.split(".")[0] for name in out.rsplit("MODULES", 1)[1].split()}


def test_help_comes_at_once():
    assert not modules_after("--help") & (HEAVY | {"numpy", "tyro"})
    assert quickest("--help") < 1.0


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_imports_nothing_heavy(verb: str):
    assert not modules_after(verb, "--help") & HEAVY


@pytest.mark.parametrize("protocol", protocol_names())
def test_help_of_a_protocol_imports_nothing_heavy(protocol: str):
    assert not modules_after("bench", protocol, "--help") & HEAVY


def test_help_of_a_protocol_says_whose_values_it_shows(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["bench", "deplete", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("usage: selfgrasp bench deplete [-h]")
    assert "options below have the values of `deplete`" in said


@pytest.mark.parametrize("verb", [(), ("bench",), ("check",)])
def test_a_reader_that_closes_the_pipe_ends_help_in_silence(verb: tuple[str, ...]):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "selfgrasp", *verb, "--help"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_threads_of_pytorch_do_not_wait_long_by_spinning():
    code = "import os, sys, selfgrasp; print('torch' in sys.modules, os.environ['GOMP_SPINCOUNT'])"
    without = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    said = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env
        ).stdout.split()
        for env in (without, without | {"GOMP_SPINCOUNT": "7"})
    ]
    assert said == [["False", "5000"], ["False", "7"]]


def test_help_of_a_verb_comes_soon():
    assert quickest("check", "--help") < 2.0


def test_help_lists_every_verb():
    text = help_text()
    assert all(f"  {name} " in text for name in VERBS)
    assert text == help_text()


@pytest.mark.parametrize("system", demos())
def test_help_of_a_demo_imports_nothing_heavy(system: str):
    assert not modules_after("demo", system, "--help") & HEAVY


OPTIONS = {verb: importlib.import_module(found.module).Args for verb, found in VERBS.items()}
OPTIONS |= {f"demo {name}": demo_named(name).args for name in demos()}


@pytest.mark.parametrize("verb", OPTIONS)
def test_every_argument_is_explained(verb: str):
    kind = OPTIONS[verb]
    (args,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(args, ast.ClassDef)
    text = ast.get_docstring(args)
    assert text
    for field, after in zip(args.body, [*args.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            name = ast.unparse(field.target)
            below = (
                isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            )
            assert below or f"    {name}: " in text, (
                f"{verb}: {name} is not explained, neither under it nor among the class's "
                "attributes"
            )


def test_help_of_training_names_every_preset():
    said = inspect.getdoc(TrainJob) or ""
    for method in registry.methods():
        about = said.partition(f"{method}: ")[2].partition(". ")[0]
        for preset in registry.presets(method):
            assert preset.removeprefix("paper_") in about or preset in about, f"{method}:{preset}"


def test_an_unknown_verb_lists_the_known_ones(capsys: pytest.CaptureFixture[str]):
    assert main(["colect"]) == 2
    message = capsys.readouterr().err
    assert "'colect'" in message
    assert "did you mean collect?" in message
    assert all(name in message for name in VERBS)


def test_no_arguments_print_help(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 0
    assert capsys.readouterr().out.strip() == help_text()


@dataclass(frozen=True)
class Args:
    """A verb that only tests know."""

    fail: str = ""
    """How to end."""


def run(args: Args) -> int:
    match args.fail:
        case "input":
            raise InputError(given="no dataset", wanted="one")
        case "interrupt":
            raise KeyboardInterrupt
        case "place":
            Path("/dev/null/x").write_text("")
        case "missing":
            Path("/nowhere/report.json").read_text()
        case "bug":
            raise ZeroDivisionError
    return 0


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that holds `Args` and `run` above."""
    module = ModuleType("selfgrasp_test_verb")
    module.Args, module.run = Args, run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


@pytest.mark.parametrize(
    ("fail", "code", "message"),
    [
        ("", 0, ""),
        ("input", 2, "selfgrasp x: given: no dataset; wanted: one\n"),
        ("place", 2, "selfgrasp x: given: /dev/null/x: Not a directory; wanted: a folder\n"),
        (
            "missing",
            2,
            "selfgrasp x: given: /nowhere/report.json: No such file or directory; wanted: a file "
            "or folder that is there and stays there\n",
        ),
        ("interrupt", 130, "\nselfgrasp x: stopped; the same command goes on where it stopped\n"),
    ],
)
def test_an_end_is_one_clean_message(
    verb: str, fail: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
):
    from selfgrasp.verbs.command import call

    assert call(verb, ["--fail", fail], prog="selfgrasp x", summary="") == code
    assert capsys.readouterr().err == message


def test_a_bug_keeps_its_traceback(verb: str):
    from selfgrasp.verbs.command import call

    with pytest.raises(ZeroDivisionError):
        call(verb, ["--fail", "bug"], prog="selfgrasp x", summary="")


def test_a_wrong_option_names_it(verb: str, capsys: pytest.CaptureFixture[str]):
    from selfgrasp.verbs.command import call

    with pytest.raises(SystemExit) as end:
        call(verb, ["--fial", "bug"], prog="selfgrasp x", summary="")
    assert end.value.code == 2
    assert "--fial" in capsys.readouterr().err
