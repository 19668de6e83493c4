"""A stranger's dataset, run or checkpoint: what it names stays where it is, what is wrong in it is
one line."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_learn import CONFIG, line, points

from selfgrasp.cli import main
from selfgrasp.common.files import file_name, regular_file_in
from selfgrasp.core import InputError
from selfgrasp.learn import checkpoint, fit
from selfgrasp.learn.run import STATE
from selfgrasp.learn.runlog import RunLog
from selfgrasp.methods import registry
from selfgrasp.report.data import read_run
from selfgrasp.report.run_page import write_report

ODD: tuple[Any, ...] = (
    None, True, -1, 10**400, 1e308, float("nan"), float("inf"), "", "x", "../../x", "\ud800",
    [], {}, [[]], [None], {"x": None}, [1, "a"],
)  # fmt: skip


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 6, 3), 90, np.uint8)).save(path)
    return path


REPORT = {
    "protocol": "clear",
    "cell": "tabletop",
    "attempts": 30,
    "rows": [
        {"policy": p, "objects": "seen", "metric": "success", "value": v, "low": 0.1, "high": 0.9}
        | {"n": 30, "paper": 0.7, "privileged": ["truth.held"]}
        for p, v in (("random", 0.2), ("mine", 0.6))
    ],
    "headline": {"base": "random", "learned": "mine"},
    "stages": [{"name": "collect", "seconds": 3.0, "detail": "30 attempts"}],
    "curve": [{"policy": "mine", "attempts": 10, "value": 0.3, "low": 0.2, "high": 0.5}] * 2,
    "paired": [
        {"a": "mine", "b": "random", "objects": "seen", "metric": "success", "difference": 0.1}
        | {"low": 0.0, "high": 0.2, "n": 5}
    ],
    "calibration": [
        {"policy": "mine", "error": 0.1, "bins": [{"predicted": 0.2, "observed": 0.3}]}
    ],
    "tables": [{"title": "t", "columns": ["a", "b"], "rows": [[1, "x"], [0.5, None]]}],
    "charts": [
        {"title": "c", "x": "a", "y": "b", "series": [{"name": "l", "points": [{"x": 1, "y": 2}]}]}
    ],
    "pictures": [{"title": "old", "files": ["a.png"], "captions": ["a"]}],
    "notes": ["a note"],
    "judge": {"wrong rate": 0.1},
}
STORY = {
    "strips": [
        {"source": "clear", "policy": "mine", "scene": 3, "frames": ["a.png"], "kinds": ["held"]}
        | {"goals": [""], "lifted": ["cup"], "attempts": 1, "lost": 0}
    ],
    "cards": [
        {"id": "1-0-0", "kind": "held", "policy": "mine", "round": 0, "score": 0.5, "width": 0.02}
        | {"force": 3.0, "labels": {"truth.object": "cup"}, "source": "clear", "file": "a.png"}
    ],
    "scenes": [
        {"source": "collect", "policy": "mine", "tries": 3, "kinds": {"held": 2}}
        | {"color": "a.png", "tried": "a.png", "depth": None}
    ],
    "heats": [
        {"source": "clear", "policy": "mine", "file": "a.png", "id": "1", "kind": "held"}
        | {"low": -3.4e38, "high": 0.5}
    ],
    "films": [{"policy": "mine", "file": "a.png", "attempts": 3, "held": 1}],
    "outcomes": [{"policy": "mine", "round": 0, "counts": {"held": 2, "missed": 1}}],
    "galleries": [{"title": "g", "files": ["a.png", "b.png"], "captions": ["a", "b"]}],
}


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "run"
    picture(folder / "pictures" / "a.png")
    picture(folder / "pictures" / "b.png")
    (folder / "report.json").write_text(json.dumps(REPORT))
    (folder / "pictures" / "story.json").write_text(json.dumps(STORY))
    (folder / "log.jsonl").write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.4}\n')
    return folder


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else ()
    children = enumerate(value) if isinstance(value, list) else children
    inside = [place for key, one in children for place in places(one, (*above, key))]
    return [above, *inside] if above else inside


def changed(value: Any, place: tuple[Any, ...], odd: Any) -> str:
    copy = json.loads(json.dumps(value))
    holder = copy
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = odd
    return json.dumps(copy)


@pytest.mark.parametrize(("file", "value"), [("report.json", REPORT), ("story.json", STORY)])
def test_any_value_of_a_wrong_type_is_one_line_or_left_out(run, file, value):
    path = run / "pictures" / file if file == "story.json" else run / file
    draw = random.Random(0)
    for place in places(value):
        path.write_text(changed(value, place, draw.choice(ODD)))
        with contextlib.suppress(InputError):
            write_report([run])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": [{"policy": "a", "metric": "m", "value": "x"}]}, "'x' is no figure"),
        ({"rows": {"a": 1}}, "rows = {'a': 1}"),
        ({"rows": [3]}, r"rows = \[3\]"),
        ({"stages": [{"seconds": 1}]}, "stages: name = None"),
        ({"curve": [{"attempts": "x", "value": 1}]}, "curve: attempts = 'x'"),
        ({"headline": ["x"]}, "headline"),
        ({"attempts": "many"}, "attempts = 'many'"),
        ({"charts": [{"title": 1, "x": "", "y": "", "series": 3}]}, "charts in report"),
    ],
)
def test_a_report_says_which_part_is_wrong(run, change, message):
    (run / "report.json").write_text(json.dumps(REPORT | change))
    with pytest.raises(InputError, match=message):
        read_run(run)


def test_files_that_never_end_or_are_nested_without_end_are_refused(run):
    (run / "env.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="levels"):
        read_run(run)
    (run / "env.json").unlink()
    os.mkfifo(run / "env.json")
    with pytest.raises(InputError, match="a pipe or a device"):
        read_run(run)
    (run / "env.json").unlink()
    with (run / "log.jsonl").open("a") as log:
        log.write("[" * 100_000 + '\n{"step": {}}\n{"step": 3, "loss": 1e999}\n[3]\n{"st')
    assert [dict(line) for line in read_run(run).log] == [
        {"step": 1, "loss": 0.5},
        {"step": 2, "loss": 0.4},
        {"step": 3},
    ]


def test_pictures_of_a_page_are_files_in_its_folder(run, tmp_path):
    private = picture(tmp_path / "private.png")
    inside = run / "pictures"
    picture(run / "pictures" / "deeper" / "d.png")
    (inside / "link.png").symlink_to(private)
    (inside / "linked").symlink_to(tmp_path)
    (inside / "cut.webp").write_bytes(b"RIFF\x00")
    names = ["a.png", "../../private.png", str(private), "link.png", "linked/private.png"]
    names += ["cut.webp", "deeper/d.png", "..", "", "story.json", "gone.png"]
    gallery = {"title": "g", "files": names, "captions": [""] * len(names)}
    (inside / "story.json").write_text(json.dumps({"galleries": [gallery]}))
    (run / "report.json").write_text(json.dumps({"pictures": [gallery]}))
    data = read_run(run)
    assert [g.files for g in data.story.galleries] == [(inside / "a.png",)] * 2
    assert "20 pictures that the run names" in data.missing
    page = write_report([run]).read_text()
    assert page.count("data:image") == 2
    shutil.move(inside, tmp_path / "elsewhere")
    inside.symlink_to(tmp_path / "elsewhere")
    assert read_run(run).story.paths == ()


def test_names_of_files_are_no_paths(tmp_path):
    assert file_name("0-1-2", "attempt") == "0-1-2"
    for name in ("../../x", "/etc/x", "..", ".", "", "a\\b", "a\0b", "a\nb", "x" * 201):
        with pytest.raises(InputError, match="the name of a file"):
            file_name(name, "attempt")
        assert not regular_file_in(tmp_path, name)


def test_replay_writes_nothing_where_an_id_leads_elsewhere(tmp_path, capsys):
    assert main(["replay", str(tmp_path / "data"), "../../x"]) == 2
    assert "attempt '../../x'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    checkpoint.save(path, registry.build("supersizing:small"))
    return path


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (None, "whose description is None"),
        ([1], "whose description is"),
        ({"method": 3}, "whose method is 3"),
        ({"version": "1"}, "whose version is '1'"),
        ({"config": None}, "whose config is None"),
        ({"config": []}, "whose config is"),
        ({"metrics": {"auc": "x"}}, "metrics"),
        ({"metrics": 3}, "whose metrics is 3"),
        ({"data": None}, "whose data is None"),
    ],
)
def test_checkpoints_of_wrong_values_are_refused(weights, tmp_path, facts, message):
    tensors, stored = checkpoint.read_tensors(weights)
    wrong = {**stored, **facts} if isinstance(facts, dict) else facts
    checkpoint.write_tensors(tmp_path / "b.safetensors", tensors, wrong)
    with pytest.raises(InputError, match=message):
        registry.load(tmp_path / "b.safetensors")


def test_checkpoints_of_wrong_weights_and_deep_descriptions_are_refused(weights, tmp_path):
    tensors, stored = checkpoint.read_tensors(weights)
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    for value in (1e38, float("nan"), float("inf")):
        wrong = {**tensors, name: torch.full_like(tensors[name], value)}
        checkpoint.write_tensors(tmp_path / "b.safetensors", wrong, stored)
        with pytest.raises(InputError, match="1 tensors are not finite"):
            registry.load(tmp_path / "b.safetensors")
    for dtype in (torch.int64, torch.bool, torch.complex64):
        wrong = {**tensors, name: tensors[name].to(dtype)}
        checkpoint.write_tensors(tmp_path / "b.safetensors", wrong, stored)
        with pytest.raises(InputError, match="1 tensors differ"):
            registry.load(tmp_path / "b.safetensors")
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    checkpoint.write_tensors(tmp_path / "b.safetensors", tensors, {**stored, "config": deep})
    with pytest.raises(InputError, match="levels"):
        registry.load(tmp_path / "b.safetensors")


def test_a_log_of_anything_is_gone_on_with(tmp_path):
    lines = ['{"step": 1, "loss": 1}', "[" * 100_000, "3", '{"step": null}', '{"step": 9}', "{"]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    with RunLog(tmp_path, start=3):
        pass
    assert (tmp_path / "log.jsonl").read_text() == lines[0] + "\n"


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("unfinished")
    fit(line(), points(), None, CONFIG, run)
    return run


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("progress",), None),
        (("progress",), {}),
        (("progress", "step"), "x"),
        (("progress", "step"), -1),
        (("progress", "step"), True),
        (("progress", "seconds"), float("nan")),
        (("progress", "best_loss"), []),
        (("progress", "best_metrics"), [1]),
        (("progress", "best_metrics"), {"loss": "x"}),
        (("progress", "ended"), "nope"),
        (("recipe",), None),
        (("of",), 3),
        (("of", "config"), None),
        (("examples",), "many"),
        (("examples",), None),
    ],
)
def test_training_states_of_wrong_values_are_refused(unfinished, tmp_path, place, value):
    run = shutil.copytree(unfinished, tmp_path / "run")
    tensors, facts = checkpoint.read_tensors(run / STATE)
    holder = facts
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    checkpoint.write_tensors(run / STATE, tensors, facts)
    with pytest.raises(InputError):
        fit(line(), points(), None, CONFIG, run)
    del holder[place[-1]]
    checkpoint.write_tensors(run / STATE, tensors, facts)
    with pytest.raises(InputError):
        fit(line(), points(), None, CONFIG, run)


def test_training_states_of_wrong_tensors_are_refused(unfinished, tmp_path):
    run = shutil.copytree(unfinished, tmp_path / "run")
    tensors, facts = checkpoint.read_tensors(run / STATE)
    for name in tensors:
        wrong_ones = [torch.zeros(2, 3, 4, 5)]
        if name.startswith("model."):
            other = torch.int64 if tensors[name].is_floating_point() else torch.float32
            wrong_ones.append(tensors[name].to(other))
        if tensors[name].is_floating_point():
            wrong_ones.append(torch.full_like(tensors[name], float("nan")))
        for wrong in wrong_ones:
            checkpoint.write_tensors(run / STATE, {**tensors, name: wrong}, facts)
            with pytest.raises(InputError):
                fit(line(), points(), None, replace(CONFIG, epochs=9), run)
    checkpoint.write_tensors(run / STATE, {}, facts)
    with pytest.raises(InputError, match="9 tensors differ"):
        fit(line(), points(), None, CONFIG, run)
