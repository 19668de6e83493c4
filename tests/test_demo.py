"""The headline, at its smallest: the demo tells its whole story on a user's own meshes, and goes on
where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trimesh

from selfgrasp.cli import main
from selfgrasp.core import InputError
from selfgrasp.papers.registry import demo_named, demos
from selfgrasp.papers.semantic import demo as semantic
from selfgrasp.papers.supersizing import demo
from selfgrasp.papers.supersizing.demo_run import play
from selfgrasp.verbs.demo import DEFAULT


def small(tmp_path: Path, **changes: object) -> demo.Args:
    folder = tmp_path / "meshes"
    folder.mkdir(exist_ok=True)
    for index in range(6):
        trimesh.creation.box((0.03 + 0.004 * index, 0.05, 0.04)).export(folder / f"box{index}.stl")
    sizes = {
        "attempts": 100,
        "staged": 20,
        "heaps": 30,
        "first_steps": 4,
        "steps": 4,
        "trials": 2,
        "bins": 1,
    }
    recipe = demo.Recipe(**{**sizes, **changes})  # type: ignore[arg-type]
    return demo.Args(objects=folder, out=tmp_path / "run", recipe=recipe)


@pytest.mark.timeout(600)
def test_the_whole_story_on_ones_own_meshes(tmp_path, capsys):
    args = small(tmp_path)
    assert demo.run(args) == 0
    said = capsys.readouterr()
    assert "6 objects from" in said.err
    assert "report:" in said.out.splitlines()[-1]
    report = json.loads((args.out / "report.json").read_text())
    assert report["attempts"] == 150
    assert {row["metric"] for row in report["rows"]} >= {"success", "failure_first_30"}
    page = (args.out / "report.html").read_text()
    assert "data:image/webp" in page
    assert "the learned policy fails" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    measured = (args.out / "measured" / "deplete.json").stat().st_mtime_ns
    assert demo.run(args) == 0
    assert (args.out / "measured" / "deplete.json").stat().st_mtime_ns == measured, (
        "what was measured is not measured again"
    )


def test_other_options_in_a_folder_that_was_begun_are_refused(tmp_path):
    args = small(tmp_path)
    args.out.mkdir()
    (args.out / "stages.json").write_text("[]")
    (args.out / "demo.json").write_text('{"recipe": {"attempts": 4000}, "seed": 0}')
    with pytest.raises(InputError, match=r"other options: .*recipe.*another --out"):
        play(args)


def test_an_unknown_system_names_the_known():
    with pytest.raises(InputError, match=", ".join(demos())):
        demo_named("grasp3vec")


@pytest.mark.parametrize("name", demos())
def test_help_of_a_system_has_its_own_options_alone(name, capsys):
    with pytest.raises(SystemExit):
        main(["demo", name, "--help"])
    said = capsys.readouterr().out
    own = {"supersizing": "--staged", "hand_eye": "--attempts", "semantic": "--ask"}
    assert f"selfgrasp demo {name} " in said
    assert own.get(name, "--help") in said
    assert "--heaps" not in said or name == "supersizing"
    assert "--ask" not in said or name == "semantic"


def test_help_without_a_system_lists_the_others(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "--staged" in said
    assert all(f"selfgrasp demo {name} --help" in said for name in demos() if name != DEFAULT)
    assert main(["demo", "grasp3vec"]) == 2


@pytest.mark.timeout(300)
def test_bring_me_the_pen(tmp_path, capsys):
    assert semantic.run(semantic.Args(out=tmp_path, ask="pen", commands=2)) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("bring me the pen: ")
    assert len(said) == 3
    page = (tmp_path / "report.html").read_text()
    assert "where a pen would be held" in page
    assert page.count("data:image/webp") >= 8


def test_what_nobody_knows_cannot_be_asked_for(tmp_path):
    with pytest.raises(InputError, match="toilet_brush"):
        semantic.run(semantic.Args(out=tmp_path, ask="fork"))
