"""Outside packages that are broken: each error is one line that says whose it is, and everything
else goes on working."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfgrasp.cli import main
from selfgrasp.common import outside
from selfgrasp.core import InputError
from selfgrasp.evaluation.names import protocol_object, protocols
from selfgrasp.methods import registry
from selfgrasp.papers.published import figures_of
from selfgrasp.papers.registry import demo_named, demos, reproduction_named, reproductions
from selfgrasp.rollout.policies import baseline_class, baselines, resolve

ENTRY_POINTS = """\
[selfgrasp.methods]
absent = gone.method
alone = bad_grasp.alone
empty = bad_grasp.empty
alias = bad_grasp.alias
half = bad_grasp.half
wrong = bad_grasp.wrong
faulty = bad_grasp.faulty
supersizing = bad_grasp.alias

[selfgrasp.baselines]
lost = gone.baseline
mute = bad_grasp.alone
random = bad_grasp.alone

[selfgrasp.protocols]
nowhere = gone:PROTOCOL
number = bad_grasp.alone:NUMBER
isolated = bad_grasp.alone:NUMBER

[selfgrasp.papers]
missing = gone.paper
flat = bad_grasp.alone
faulty = bad_grasp.faulty
bare = bad_grasp.bare
"""
METHOD = """\
from selfgrasp.learn import Method


class Named(Method):
    name = "other"

    def gather(self, source, split, rng): ...
    def batch(self, examples, indices, rng, *, augment): ...
    def loss(self, batch): ...
    {plan}


METHOD = Named
"""
CONFIG = """\
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    size: int = 1


def small() -> Config:
    return Config()
"""
FILES = {
    "__init__.py": "",
    "alone.py": "NUMBER = 3\n",
    "empty/__init__.py": "",
    "empty/config.py": CONFIG,
    "empty/method.py": "",
    "alias/__init__.py": "",
    "alias/config.py": CONFIG,
    "alias/method.py": METHOD.format(plan="def plan(self, context): ..."),
    "half/__init__.py": "",
    "half/config.py": CONFIG,
    "half/method.py": METHOD.format(plan=""),
    "wrong/__init__.py": "",
    "wrong/config.py": CONFIG,
    "wrong/method.py": "METHOD = 3\n",
    "faulty/__init__.py": "",
    "faulty/config.py": CONFIG,
    "faulty/method.py": "import numpy\n\nnumpy.no_such_thing\n",
    "faulty/figures.py": "1 / 0\n",
    "bare/__init__.py": "",
    "bare/demo.py": "",
    "bare/reproduction.py": "",
}


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package, as an installer leaves it; its folder."""
    for name, text in FILES.items():
        file = tmp_path / "bad_grasp" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    info = tmp_path / "bad_grasp-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-grasp\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    _forget()
    yield tmp_path
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    outside.forget()
    for module in [name for name in sys.modules if name.partition(".")[0] == "bad_grasp"]:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("absent", "No module named 'gone'"),
        ("alone", "No module named 'bad_grasp.alone.method'"),
        ("empty", "bad_grasp.empty.method has no METHOD"),
        ("half", "Named lacks plan"),
        ("wrong", "METHOD is no subclass of Method"),
        ("alias", "a method named 'other'"),
        ("faulty", "no_such_thing.*method.py, line 3"),
    ],
)
def test_a_broken_method_is_named_with_its_package(name: str, why: str) -> None:
    with pytest.raises(InputError, match=rf"method {name} of package bad-grasp \(.*{why}.*wanted"):
        registry.build(name)


def test_train_with_a_broken_method_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("absent", "alone", "empty", "half", "alias", "faulty"):
        assert main(["train", name, "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
        said = capsys.readouterr().err
        assert f"method {name} of package bad-grasp" in said
        assert "Traceback" not in said
    assert not (tmp_path / "run").exists()


def test_broken_papers_leave_the_others_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"supersizing", "hand_eye"} <= set(reproductions()) & set(demos())
    assert not {"missing", "flat"} & {*reproductions(), *demos()}
    said = capsys.readouterr().err
    assert said.count("paper missing of package bad-grasp (gone.paper) is left out") == 1
    assert said.count("paper flat of package bad-grasp (bad_grasp.alone) is left out") == 1
    for arguments in (["demo", "--help"], ["reproduce", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
    assert figures_of("faulty") == figures_of("missing") == ()
    assert "paper faulty of package bad-grasp" in capsys.readouterr().err


def test_a_paper_without_what_it_must_hold_is_one_line() -> None:
    with pytest.raises(InputError, match=r"paper bare of package bad-grasp.*no REPRODUCTION"):
        reproduction_named("bare")
    with pytest.raises(InputError, match=r"paper bare of package bad-grasp.*no Args"):
        demo_named("bare")
    with pytest.raises(InputError, match="system 'missing'"):
        reproduction_named("missing")


def test_help_of_training_names_the_methods_of_outside_packages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "Methods of outside packages: absent, alias, alone" in said


def test_weights_are_those_of_a_preset_that_exists(installed: Path) -> None:
    registry.methods()
    weights = installed / "bad_grasp" / "alias" / "alias-small.safetensors"
    weights.touch()
    weights.with_name("alias-wrong.safetensors").touch()
    assert registry.weights("alias", "small") == weights
    assert registry.weights("alias", "wrong") is None


def test_broken_baselines_and_protocols_are_one_line() -> None:
    assert "lost" in baselines()
    with pytest.raises(InputError, match=r"baseline lost of package bad-grasp.*'gone'"):
        resolve("lost")
    with pytest.raises(InputError, match=r"baseline mute of package bad-grasp.*no POLICY"):
        baseline_class("mute")
    with pytest.raises(InputError, match=r"protocol nowhere of package bad-grasp.*'gone'"):
        protocol_object("nowhere")
    with pytest.raises(InputError, match=r"protocol number of package bad-grasp.*type is int"):
        protocol_object("number")


def test_a_name_that_is_taken_is_ignored_aloud_and_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        assert registry.methods()["supersizing"] == "selfgrasp.methods.supersizing"
        assert registry.baselines()["random"] == "selfgrasp.methods.baselines.random"
        assert protocols()["isolated"] == "selfgrasp.protocols.isolated:ISOLATED"
    said = capsys.readouterr().err
    for kind in ("method supersizing", "baseline random", "protocol isolated"):
        assert said.count(f"{kind} of package bad-grasp") == 1
