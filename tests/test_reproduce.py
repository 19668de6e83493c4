"""Reproducing a paper: steps that skip what is done, and the paper's figures beside ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfgrasp.common.parts import Table
from selfgrasp.core import InputError
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.methods.registry import build, config_of, load
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.papers import steps
from selfgrasp.papers.dexnet.train import physical_preset
from selfgrasp.papers.jobs import ReproduceJob as Args
from selfgrasp.papers.registry import reproduction_named
from selfgrasp.papers.reproduce import as_text
from selfgrasp.papers.reproduce import work_of as work_for
from selfgrasp.papers.semantic.rows import ROWS
from selfgrasp.papers.steps import freeze
from selfgrasp.rollout.collect import Collected, collect
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.verbs.reproduce import run


def work_of(system: str, out: Path, **given: Any) -> Any:
    return work_for(Args(system, out, **given), reproduction_named(system))


def test_an_unknown_system_lists_the_known_ones():
    with pytest.raises(
        InputError, match=r"system 'supersize'.*exists: dexnet, grasp2vec, hand_eye, semantic"
    ):
        work_of("supersize", Path("x"))


def test_given_sizes_win_over_the_defaults():
    assert work_of("supersizing", Path("x")).sizes.random == 40_000
    given = work_of("supersizing", Path("x"), attempts=4_000, seeds=2, trials=50).sizes
    assert (given.random, given.stage, given.seeds, given.trials, given.clear) == (
        4_000,
        240,
        2,
        50,
        10,
    )
    with pytest.raises(InputError, match="--seeds 0"):
        work_of("supersizing", Path("x"), seeds=0)


def test_the_papers_sizes_of_semantic_have_larger_streams_of_the_same_structure():
    small, paper = (work_of("semantic", Path("x"), preset=preset) for preset in ("small", "paper"))
    assert round(paper.sizes.mixed * max(paper.sizes.rated)) == 20_000
    for row in ROWS[2:]:
        one, other = (config_of(work.method(row)) for work in (small, paper))
        assert (other.structure, other.attention, other.present_share) == (
            one.structure,
            one.attention,
            one.present_share,
        )
        assert other.ventral.px == 2 * one.ventral.px


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_physical_tries_teach_the_network_that_learned_from_labels(preset: str):
    one, other = (
        build(f"dexnet:{name}").state_dict() for name in (preset, physical_preset(preset))
    )
    assert {name: values.shape for name, values in one.items()} == {
        name: values.shape for name, values in other.items()
    }


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_rows_of_dexnet_plan_as_their_network_can(preset: str):
    work = work_of("dexnet", Path("x"), preset=preset)
    variants = build(f"dexnet:{preset}").variants()
    asked = {policy.rpartition("+")[2] for policy in work.learned.values() if "+" in policy}
    assert "cem" in asked <= set(variants)


def test_tables_are_aligned_and_empty_where_the_paper_has_no_figure():
    table = Table(
        title="T",
        columns=["who", "value", "paper"],
        rows=[["a", 0.5, None], ["long name", 1234, 0.66]],
    )
    assert as_text([table]).splitlines() == [
        "T",
        "who        value  paper",
        "a          0.500",
        "long name  1,234  0.660",
    ]


def test_what_was_frozen_must_not_change(tmp_path: Path):
    work = work_of("supersizing", tmp_path, quick=True)
    freeze(work)
    frozen = json.loads((tmp_path / "frozen.json").read_text())
    (tmp_path / "frozen.json").write_text(json.dumps({**frozen, "noise": "0"}))
    with pytest.raises(InputError, match=r"noise = \w+.*noise = 0"):
        freeze(work)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_step_runs_and_is_skipped_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    args = Args("supersizing", tmp_path / "out", workers=2, quick=True)
    assert run(args) == 0
    report = json.loads((args.out / "report.json").read_text())
    papers = {row["paper"] for row in report["rows"] if row["paper"] is not None}
    assert {0.769, 0.795, 0.73, 0.66, 26.0} <= papers
    # Where no attempt held, or all did, baselines have nothing to learn from.
    baselines = json.loads((args.out / "measured" / "baselines.json").read_text())
    assert papers >= {0.534, 0.599, 0.621, 0.694, 0.733} or baselines["lacking"]
    titles = [table["title"] for table in report["tables"]]
    assert any("Table I)" in title for title in titles)
    assert any("Table II)" in title for title in titles)
    assert (args.out / "report.html").stat().st_size > 10_000
    capsys.readouterr()

    for module, name in ((steps, "bench"), (steps, "train")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("done again"))
    collected = collect

    def only_look(wanted: CollectJob, **how: bool) -> Collected:
        return (
            collected(wanted, **how)
            if wanted.out.exists()
            else pytest.fail(f"collected again: {wanted.out}")
        )

    monkeypatch.setattr(steps, "collect", only_look)
    assert run(args) == 0
    assert "are there already" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_dexnet_from_nothing_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    args = Args("dexnet", tmp_path / "out", workers=1, quick=True)
    assert run(args) == 0
    report = json.loads((args.out / "report.json").read_text())
    tables = {table["title"]: table for table in report["tables"]}
    rows = {row[0]: row for row in tables["shake: adversarial, known"]["rows"]}
    learned = ["GQ-S", "GQ-Adv", "GQ-Adv-Phys", "GQ", "GQ, CEM", "GQ, fully convolutional"]
    assert list(rows) == ["IGQ", *learned]
    assert rows["GQ"][-4:] == [0.93, None, None, 0.8]
    pairs = tables["shake: differences on the same scenes"]["rows"]
    assert [row[1:3] for row in pairs] == [[name, "IGQ"] for name in learned[3:]]
    assert [row[:2] for row in tables["heap: novel objects"]["rows"]] == [
        [3, name] for name in learned[3:]
    ]
    agreement = tables["labels of objects that no training saw: robust epsilon above 0.002"]
    assert {"gq-0: alone, as drawn", "free, and near the center of mass"} <= {
        row[0] for row in agreement["rows"]
    }
    assert "Who foretells the outcome: all grasps" in tables
    keys = [(row["policy"], row["objects"], row["metric"]) for row in report["rows"]]
    assert len(keys) == len(set(keys))
    assert any("8 grasps of IGQ" in note for note in report["notes"])
    capsys.readouterr()
    assert run(args) == 0
    said = capsys.readouterr().out
    assert "0 of them new" in said
    assert "are there already" in said
    assert "is there already" in said


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_hand_eye_from_nothing_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    args = Args("hand_eye", tmp_path / "out", workers=1, quick=True)
    assert run(args) == 0
    report = json.loads((args.out / "report.json").read_text())
    deplete, growth, collections = report["tables"]
    assert {row[1] for row in deplete["rows"]} == {"as it is", "camera moved", "objects nudged"}
    assert deplete["rows"][0][-1].startswith("0.675")
    assert [row[0] for row in growth["rows"]] == [60, 120, 160]
    assert [row[0] for row in collections["rows"]] == ["random", "round1", "drop-test"]
    capsys.readouterr()
    assert run(args) == 0
    said = capsys.readouterr().out
    assert "are there already" in said
    assert "is there already" in said


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_semantic_from_nothing_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    args = Args("semantic", tmp_path / "out", workers=1, quick=True)
    assert run(args) == 0
    report = json.loads((args.out / "report.json").read_text())
    tables = {table["title"]: table for table in report["tables"]}
    rows = tables["What is fetched when a category is asked for, novel"]["rows"]
    assert len(rows) == 5
    assert rows[-1][-1] == "0.617 / 0.390"
    assert [row[0] for row in tables["Propagated labels"]["rows"][::2]] == [
        "50%",
        "90%",
        "90% and bins of one category",
    ]
    assert {"Colour and size alone", "Not found"} <= tables.keys()
    assert len(tables["Two streams against one, and against the bounding box"]["rows"]) == 2 * 3
    seeds = tables["Several training seeds"]["rows"]
    assert {"single stream", "bounding box"} <= {row[0] for row in seeds}
    assert {row[1] for row in seeds} == {"0"}
    assert [row[0] for row in tables["What is shipped"]["rows"]] == ["seen", "novel"]
    assert [row[0] for row in tables["How it is decided"]["rows"]] == ["seen", "novel"]
    shipped = load(args.out / "semantic.safetensors")
    assert isinstance(shipped, Semantic)
    found = json.loads((args.out / "measured" / "found.json").read_text())
    assert shipped.config.not_found_threshold == found["threshold"]
    capsys.readouterr()
    monkeypatch.setattr(steps, "bench", lambda *_, **__: pytest.fail("played again"))
    assert run(args) == 0
    said = capsys.readouterr().out
    assert "are there already" in said
    assert "labels propagated" in said


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_grasp2vec_from_nothing_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    args = Args("grasp2vec", tmp_path / "out", workers=1, quick=True)
    assert run(args) == 0
    report = json.loads((args.out / "report.json").read_text())
    tables = {table["title"]: table for table in report["tables"]}
    known = {tuple(row[:2]) for row in tables["What the vectors know of objects"]["rows"]}
    assert {("Grasp2Vec, 0", "novel"), ("untrained", "seen")} <= known
    for label, theirs in (
        ("seen", [0.183, 0.780, 0.784, None]),
        ("novel", [0.219, 0.589, 0.454, None]),
    ):
        fetched = tables[f"What is fetched when a picture is asked for, {label}"]["rows"]
        assert [row[0] for row in fetched] == [
            "indiscriminate grasping",
            "PL + Aux + ES",
            "PL + ES, conditioned on the vector",
            "localise and grasp",
        ]
        assert [row[-1] for row in fetched] == theirs
    until = tables["Until what is held is accepted"]["rows"]
    assert [(row[0], *row[-2:]) for row in until] == [
        ("seen", 0.808, 0.88),
        ("novel", 0.629, 0.75),
    ]
    found = json.loads((args.out / "measured" / "found.json").read_text())
    shipped = load(args.out / "grasp2vec.safetensors")
    assert isinstance(shipped, Grasp2Vec)
    assert shipped.config.not_found_threshold == found["threshold"]
    assert shipped.config.accept_threshold == found["accept"]
    assert {"Not found", "Accepted"} <= tables.keys()
    assert {
        line["name"]: [p["x"] for p in line["points"]] for line in report["charts"][0]["series"]
    } == {
        "seen": [24, 48, 64],
        "novel": [24, 48, 64],
    }
    capsys.readouterr()
    assert run(args) == 0
    said = capsys.readouterr().out
    assert "is there already" in said
    assert "2 trainings are there already" in said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_vpg_from_nothing_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    args = Args("vpg", tmp_path / "out", workers=1, quick=True)
    assert run(args) == 0
    report = json.loads((args.out / "report.json").read_text())
    tables = {table["title"]: table for table in report["tables"]}
    rows = {row[0]: row for row in tables["arrangements: packed by hand"]["rows"]}
    assert list(rows) == [
        "heuristic, a random push after each miss",
        "VPG",
        "VPG, long",
        "VPG, published rewards and Q-learning",
        "VPG, learning at test time",
    ]
    assert rows["VPG"][-3:] == [0.827, 0.772, 0.601]
    assert "declutter: one block" in tables
    curves = {line["name"] for line in report["charts"][0]["series"]}
    assert "VPG, seed 0" in curves
    keys = [(row["policy"], row["objects"], row["metric"]) for row in report["rows"]]
    assert len(keys) == len(set(keys))
    capsys.readouterr()
    assert run(args) == 0
    said = capsys.readouterr().out
    assert "is there already" in said
