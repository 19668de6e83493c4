"""The headline, at its smallest: the demo tells its whole story on a user's own meshes, and goes on
where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import trimesh

from selfgrasp.core import InputError
from selfgrasp.papers import demo


def small(tmp_path: Path, **changes: object) -> demo.Args:
    folder = tmp_path / "meshes"
    folder.mkdir(exist_ok=True)
    for index in range(6):
        trimesh.creation.box((0.03 + 0.004 * index, 0.05, 0.04)).export(folder / f"box{index}.stl")
    sizes = {
        "attempts": 100,
        "staged": 20,
        "seconds": 3.0,
        "predictions": 20,
        "trials": 2,
        "scenes": 1,
    }
    return demo.Args(objects=folder, out=tmp_path / "run", **{**sizes, **changes})  # type: ignore[arg-type]


@pytest.mark.timeout(600)
def test_the_whole_story_on_ones_own_meshes(tmp_path, capsys):
    args = small(tmp_path)
    assert demo.run(args) == 0
    said = capsys.readouterr()
    assert "6 objects from" in said.err
    assert "report:" in said.out.splitlines()[-1]
    report = json.loads((args.out / "report.json").read_text())
    assert report["attempts"] == 120
    assert {row["metric"] for row in report["rows"]} >= {"accuracy", "success", "interactions"}
    page = (args.out / "report.html").read_text()
    assert "data:image/webp" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    measured = (args.out / "measured" / "clear.json").stat().st_mtime_ns
    assert demo.run(args) == 0
    assert (args.out / "measured" / "clear.json").stat().st_mtime_ns == measured, (
        "what was measured is not measured again"
    )


def test_an_unknown_system_names_the_known(tmp_path):
    with pytest.raises(InputError, match="supersizing"):
        demo.run(demo.Args(system="grasp3vec", out=tmp_path))


@pytest.mark.timeout(300)
def test_bring_me_the_pen(tmp_path, capsys):
    assert demo.run(demo.Args("semantic", out=tmp_path, ask="pen", scenes=2)) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("bring me the pen: ")
    assert len(said) == 3
    page = (tmp_path / "report.html").read_text()
    assert "where a pen would be held" in page
    assert page.count("data:image/webp") >= 8


def test_what_nobody_knows_cannot_be_asked_for(tmp_path):
    with pytest.raises(InputError, match="toilet_brush"):
        demo.run(demo.Args("semantic", out=tmp_path, ask="fork"))
