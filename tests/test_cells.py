"""Cells: each has its own options, and what was said is told from what was not."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from selfgrasp.codec import session_key
from selfgrasp.core.errors import InputError
from selfgrasp.core.spec import CellSpec
from selfgrasp.evaluation.job import BenchJob
from selfgrasp.evaluation.registry import protocol_named
from selfgrasp.protocols import PLAYED
from selfgrasp.rollout.collect import make_session
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.verbs import bench, collect
from selfgrasp.verbs.command import call
from selfgrasp.workcell.cells.config import CellConfig, Noise, OptionValue, to_json
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.registry import (
    CELLS,
    cell_spec,
    checked_options,
    option_names,
    stored_options,
)
from selfgrasp.workcell.cells.tabletop import TabletopConfig


def parsed(verb: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> CollectJob | BenchJob:
    """What a verb would run with, of these arguments."""
    module = {"collect": collect, "bench": bench}[verb]
    kept: list[CollectJob | bench.Args] = []
    monkeypatch.setattr(module, "run", lambda args: kept.append(args) or 0)
    assert call(module.__name__, arguments, prog=f"selfgrasp {verb}", summary="") == 0
    (args,) = kept
    return args.job if isinstance(args, bench.Args) else args


def cell_options(job: BenchJob) -> CellConfig:
    """The options with which a job is measured."""
    return protocol_named(job.protocol).options(job)


def help_of(*arguments: str) -> str:
    """What `--help` says after these arguments."""
    command = [sys.executable, "-m", "selfgrasp", *arguments, "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("verb", ["collect", "bench", "demo"])
def test_help_shows_no_option_of_another_cell(verb: str) -> None:
    tabletop, kuka = (
        help_of(verb),
        help_of(*((verb, "hand_eye") if verb == "demo" else (verb, "--cell", "kuka_bin"))),
    )
    own = ("--options.depth", "--options.cameras", "--options.arm")
    assert not [name for name in own if name in tabletop]
    assert not [name for name in own if name not in kuka]
    assert all(
        "--options.noise {none,realistic,imprecise,very_imprecise,moved}" in t
        for t in (tabletop, kuka)
    )


def test_help_of_a_protocol_shows_its_own_values() -> None:
    _, _, said = help_of("bench", "deplete").partition("--options.count 1 TO 1000")
    assert f"(default: {PLAYED['deplete'].config.count})" in said.partition("--options.")[0]


@pytest.mark.parametrize("verb", ["bench", "train", "replay"])
def test_help_says_no_none(verb: str) -> None:
    assert "None" not in help_of(verb)
    assert "options options" not in help_of(verb)


SIZE = PLAYED["category"].config.picture_px


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ((), SIZE),
        (("--options.picture-px", "160"), 160),
        (("--options.picture-px=160",), 160),
        (("--options.picture_px", "160"), 160),
        (("--options.picture-px", str(SIZE)), SIZE),
        (("--options.noise", "moved"), SIZE),
    ],
)
def test_what_was_said_is_told_from_a_default(
    arguments: tuple[str, ...], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SIZE != KukaBinConfig().picture_px == 160
    job = parsed("bench", monkeypatch, "category", "--policy", "random", "--out", "x", *arguments)
    assert isinstance(job, BenchJob)
    assert cell_options(job).picture_px == size
    assert cell_options(job).mixture == "apart"


def test_a_switch_that_was_said_wins_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("deplete", "--policy", "random", "--out", "x")
    for switch, value in (("--options.no-depth", False), ("--options.depth", True)):
        job = parsed("bench", monkeypatch, *command, switch)
        assert isinstance(job, BenchJob)
        assert job.options == {"depth": value}
        options = cell_options(job)
        assert isinstance(options, KukaBinConfig)
        assert options.depth == value
        assert options.count == PLAYED["deplete"].config.count


def test_a_protocol_in_another_cell_takes_what_that_cell_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = parsed(
        "bench", monkeypatch, "deplete", "--cell", "tabletop", "--policy", "random", "--out", "x"
    )
    assert isinstance(job, BenchJob)
    assert cell_options(job) == TabletopConfig(
        count=PLAYED["deplete"].config.count, registered=False
    )


def test_collecting_in_a_cell_takes_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    job = parsed("collect", monkeypatch, "--out", "x", "--cell", "kuka_bin", "--options.depth")
    assert job.options == KukaBinConfig(depth=True)
    assert parsed("collect", monkeypatch, "--out", "x").options == TabletopConfig()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--options.depth",),
        ("--cell", "elbow"),
        ("--options.noise", "loud"),
        ("--cell", "kuka_bin", "--options.cameras", "elbow"),
    ],
)
def test_an_option_of_another_cell_is_refused(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parsed("collect", monkeypatch, "--out", "x", *arguments)
    assert end.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


def test_options_of_an_unknown_name_or_cell_are_refused() -> None:
    with pytest.raises(InputError, match=r"option of tabletop 'depth'.*picture_px"):
        cell_options(BenchJob("clear", ("random",), options={"depth": True}))
    with pytest.raises(InputError, match="KukaBinConfig for the cell tabletop"):
        checked_options("tabletop", KukaBinConfig())
    with pytest.raises(InputError, match=r"cell 'elbow'.*kuka_bin, tabletop"):
        cell_spec("elbow")


@pytest.mark.parametrize("name", CELLS)
def test_options_come_back_from_a_session(name: str) -> None:
    kind = CELLS[name]
    changed: dict[str, OptionValue] = {
        "count": 3,
        "picture_px": 48,
        "noise": "moved",
        "renderer": "rays",
        "kick": 0.5,
        "mixture": "apart",
        "gripper_closed": 0.037,
        "drop_test": True,
        "shake": True,
    }
    for config in (kind.options(), kind.options(changed)):
        assert stored_options(name, json.loads(json.dumps(to_json(config)))) == config
        spec = cell_spec(name, config)
        assert CellSpec.from_json(json.loads(json.dumps(spec.to_json()))).fingerprint == (
            spec.fingerprint
        )
    assert set(option_names(kind)) == {f.name for f in dataclasses.fields(kind.config)}


def test_sessions_of_version_0_1_load() -> None:
    old = {"count": 10, "picture_px": 160, "noise": "realistic", "renderer": "gl"}
    walls = {"wall_height": 0.05, "registered": True}
    of_the_other_cell = {"depth": True, "cameras": ["wrist"]}
    assert stored_options("tabletop", old | walls | of_the_other_cell) == TabletopConfig(
        renderer="gl"
    )
    assert stored_options("kuka_bin", old | walls | of_the_other_cell) == KukaBinConfig(
        renderer="gl", depth=True, cameras=("wrist",)
    )
    with pytest.raises(InputError, match="option of tabletop 'elbow'"):
        stored_options("tabletop", old | {"elbow": 1})


@pytest.mark.parametrize(
    ("cell", "key"), [("tabletop", "07532b28ea04"), ("kuka_bin", "d015b57bcd62")]
)
def test_the_key_of_a_collection_lasts(cell: str, key: str) -> None:
    """The keys are those of version 0.1: an older dataset goes on where it stopped."""
    job = CollectJob(Path("x"), cell=cell, options=CELLS[cell].options({"renderer": "rays"}))
    session = dataclasses.replace(make_session(job), versions={"selfgrasp": "0.1.0"})
    assert session_key(session) == key


def test_a_noise_that_is_none_is_refused_wherever_it_comes_from() -> None:
    noise: str = "loud"
    assert noise not in get_args(Noise)
    with pytest.raises(
        InputError, match=r"noise 'loud'.*imprecise, moved, none, realistic, very_imprecise"
    ):
        cell_spec("tabletop", CELLS["tabletop"].options({"noise": noise}))
