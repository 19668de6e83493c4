"""The report page: whole, closed in itself, escaped, and honest about what is missing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from helpers_play import episode, record
from viz_scenes import SPEC, play

from selfgrasp.core import InputError
from selfgrasp.evaluation.job import BenchJob, first_scene
from selfgrasp.evaluation.measured import write_bench
from selfgrasp.evaluation.played import pairs
from selfgrasp.papers.bench import bench
from selfgrasp.protocols import METRICS, PLAYED
from selfgrasp.protocols.clear import CLEAR
from selfgrasp.protocols.metric import Unit
from selfgrasp.report.attempts_page import attempts_page
from selfgrasp.report.data import joined, read_run
from selfgrasp.report.markup import VOID_TAGS
from selfgrasp.report.policies import baseline_of, is_learned
from selfgrasp.report.run_page import write_report
from selfgrasp.report.story_file import Story
from selfgrasp.report.story_recorder import StoryOptions, StoryRecorder
from selfgrasp.report.words import DIGITS, gain, metric, range_text, value_text
from selfgrasp.verbs.report import Args, run
from selfgrasp.viz.kinds import label_values
from selfgrasp.viz.picture import encode_webp
from selfgrasp.workcell.attempt import Played

EVIL = "<script>alert('x')</script>"


class Balance(HTMLParser):
    """Fails on a tag that closes what was not open; keeps all addresses and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(page: str) -> Balance:
    assert page.startswith("<!doctype html>\n<html")
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert all(address.startswith(("data:image/", "#")) for address in parser.addresses)
    assert not re.search(r"url\(|@import|https?://", page)
    return parser


def row(policy: str, value: float, **more: object) -> dict[str, object]:
    return {
        "policy": policy,
        "objects": "novel",
        "metric": "success",
        "value": value,
        "low": value - 0.05,
        "high": value + 0.05,
        "n": 150,
        "paper": None,
        "privileged": [],
        **more,
    }


def report(**more: object) -> dict[str, object]:
    rows = [
        row("random", 0.29),
        row("net", 0.71, paper=0.66),
        row("oracle", 0.95, privileged=["truth.state"]),
    ]
    return {
        "protocol": "isolated",
        "seed": 7,
        "cell": "tabletop",
        "versions": {"numpy": "2"},
        "rows": rows,
        **more,
    }


@pytest.fixture(scope="module")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "full"
    options = StoryOptions(cards=2, scenes=1, frames=4)
    with StoryRecorder(folder / "pictures", source="isolated", options=options) as recorder:
        for policy, skill in (("random", 0.1), ("net", 0.9)):
            attempts = play(
                policy,
                0,
                np.random.default_rng(2),
                count=3,
                tries=5,
                skill=skill,
                with_heat=policy == "net",
            )
            scene = [Played(a, tuple(labels), (plan,)) for plan, a, labels in attempts]
            recorder.add_scene(policy, scene, SPEC)
    paired = [
        {
            "a": "net",
            "b": "random",
            "metric": "success",
            "objects": "novel",
            "difference": 0.42,
            "low": 0.3,
            "high": 0.5,
            "n": 150,
        }
    ]
    curve = [
        {"policy": "net", "attempts": n, "value": 0.3 + n / 5000, "low": 0.2, "high": 0.8}
        for n in (500, 1000, 2000)
    ]
    bins = [{"predicted": p, "observed": p, "low": p, "high": p, "n": 10} for p in (0.1, 0.5, 0.9)]
    stages = [{"name": "collect", "seconds": 100, "detail": EVIL}]
    parts = report(
        paired=paired,
        curve=curve,
        calibration=[{"policy": "net", "bins": bins}],
        notes=[EVIL],
        stages=stages,
        judge={"disagreement": 0.013},
    )
    (folder / "report.json").write_text(json.dumps(parts))
    (folder / "config.json").write_text(json.dumps({"method": "net", "comment": EVIL}))
    (folder / "env.json").write_text(json.dumps({"commit": "abc", "device": "cpu"}))
    lines = [
        json.dumps(
            {
                "step": s,
                "loss": 1 / (s + 1),
                "validation_loss": 1.1 / (s + 1),
                "validation_accuracy": 0.6,
            }
        )
        for s in range(0, 100, 10)
    ]
    (folder / "log.jsonl").write_text("\n".join(lines) + '\n{"step": 1')
    return folder


def test_a_full_report_is_one_well_formed_page_that_needs_nothing_else(full_run, capsys):
    assert run(Args((full_run,))) == 0
    page = (full_run / "report.html").read_text()
    parser = checked(page)
    assert str(full_run / "report.html") in capsys.readouterr().out
    assert "script" not in parser.tags
    assert EVIL not in page
    for words in (
        "29.0\u00a0%",
        "71.0\u00a0%",
        "66.0\u00a0%",
        "reads truth.state",
        "paired differences",
        "1.3 %",
        "data:image/webp",
    ):
        assert words in page
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "What it did",
        "Where it tried",
        "What came of it",
        "What it has learned",
        "How it learned",
        "How good it is",
        "Can its scores be believed",
        "How it was made",
    ]


def test_a_run_that_has_only_begun_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"the folder of a run, with report\.json or config\.json"):
        write_report([tmp_path])
    (tmp_path / "config.json").write_text("{}")
    page = write_report([tmp_path]).read_text()
    checked(page)
    for words in ("report.json", "log.jsonl", "pictures"):
        assert words in page


def test_lost_pictures_are_counted_not_raised(full_run, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "story.json").write_bytes((full_run / "pictures" / "story.json").read_bytes())
    data = read_run(tmp_path)
    assert data.story.cards == ()
    assert any(re.match(r"\d+ pictures", words) for words in data.missing)
    checked(write_report([tmp_path]).read_text())


OLD_STORY = {
    "cards": [
        {
            "file": "a.webp",
            "id": "7-random-0-0",
            "kind": "held",
            "policy": "random",
            "round": 0,
            "score": None,
            "width": 0.03,
            "force": 9.0,
            "labels": {"truth.object": "mug"},
            "source": "bench",
        }
    ],
    "scenes": [
        {
            "policy": "random",
            "tries": 4,
            "kinds": {"held": 1, "missed": 3},
            "color": "a.webp",
            "tried": "a.webp",
            "source": "bench",
        }
    ],
    "heats": [
        {
            "policy": "net",
            "file": "a.webp",
            "id": "7-net-0-0",
            "kind": "missed",
            "low": 0.1,
            "high": 0.9,
            "source": "bench",
        }
    ],
    "films": [
        {"policy": "net", "file": "a.webp", "attempts": 9, "held": 8, "source": "bench"},
    ],
    "outcomes": [
        {"policy": "net", "round": 1, "counts": {"held": 8, "missed": 1}, "source": "collect"}
    ],
}
"""As version 0.1 wrote it."""


def test_a_run_of_an_older_version_still_shows_its_pictures(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.webp").write_bytes(encode_webp(np.full((9, 9, 3), 7, np.uint8)))
    (tmp_path / "pictures" / "story.json").write_text(json.dumps(OLD_STORY))
    old = {"title": "Patches", "note": "", "files": ["a.webp"], "captions": ["The best."]}
    (tmp_path / "report.json").write_text(json.dumps(report(pictures=[old])))
    page = write_report([tmp_path]).read_text()
    checked(page)
    for words in ("mug", "4 tried grasps", "Scores 0.10 to 0.90", "8 held in 9", "The best."):
        assert words in page
    assert "89 % held" in page


def test_a_garbled_story_says_what_was_wanted(tmp_path):
    (tmp_path / "pictures").mkdir()
    path = tmp_path / "pictures" / "story.json"
    path.write_text('{"films": [{"policy": "net"}]}')
    with pytest.raises(InputError, match=r"films of story\.json.*without file, attempts, held"):
        read_run(tmp_path)
    path.write_text("{")
    with pytest.raises(InputError, match="wanted: well-formed JSON"):
        read_run(tmp_path)


def test_wrong_inputs_say_what_was_wanted(tmp_path):
    with pytest.raises(InputError, match="folder of a run"):
        read_run(tmp_path / "nowhere")
    (tmp_path / "report.json").write_text('{"rows": [{"policy": "a"}]}')
    with pytest.raises(InputError, match=r"rows in report\.json without metric, value"):
        read_run(tmp_path)
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(InputError, match="wanted: well-formed JSON"):
        read_run(tmp_path)


def test_runs_of_one_protocol_stand_in_one_table(tmp_path):
    for name, content in (
        ("a", report()),
        ("b", report(rows=[row("other", 0.5), row("random", 0.1)])),
        ("c", report(protocol="clear")),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(content))
    both = joined([read_run(tmp_path / "a"), read_run(tmp_path / "b")])
    assert {r.policy: r.value for r in both.rows} == {
        "random": 0.29,
        "net": 0.71,
        "oracle": 0.95,
        "other": 0.5,
    }
    with pytest.raises(InputError, match="different protocols: clear, isolated"):
        joined([read_run(tmp_path / "a"), read_run(tmp_path / "c")])


def test_a_paired_difference_says_who_is_better_also_where_less_is(tmp_path):
    played = {
        name: [episode([record(False)] * tries, left=0) for tries in some]
        for name, some in (("random", (30, 40)), ("heuristic", (12, 14)))
    }
    (pair,) = pairs(CLEAR, played, "mixed")
    assert (pair.a, pair.b, pair.difference) == ("heuristic", "random", 22.0)
    (tmp_path / "report.json").write_text(
        json.dumps(report(protocol="clear", paired=[pair.to_json()]))
    )
    assert "heuristic over random: better by 22.0" in write_report([tmp_path]).read_text()


def test_the_headline_tells_random_against_the_best_learned_policy_and_never_an_oracle(full_run):
    found = gain(read_run(full_run))
    assert (found.base.policy, found.learned.policy) == ("random", "net")


def test_where_no_policy_is_called_random_the_headline_begins_with_another_that_tries_anything(
    tmp_path,
):
    rows = [row("oracle", 0.9), row("random_servo", 0.1), row("net", 0.8)]
    (tmp_path / "report.json").write_text(json.dumps(report(rows=rows)))
    assert gain(read_run(tmp_path)).base.policy == "random_servo"


def test_a_policy_worse_than_random_is_not_called_taught(tmp_path):
    (tmp_path / "report.json").write_text(
        json.dumps(report(rows=[row("random", 0.4), row("net", 0.3)]))
    )
    assert "It has not learned yet" in write_report([tmp_path]).read_text()


def test_steps_of_several_fits_follow_one_another(tmp_path):
    (tmp_path / "log.jsonl").write_text(
        "\n".join(json.dumps({"step": s, "loss": 1.0}) for s in (10, 20, 10, 20))
    )
    assert [line["step"] for line in read_run(tmp_path).log] == [10, 20, 30, 40]


def test_metrics_are_written_in_their_units():
    assert range_text(metric("success"), 0.239, 0.341) == "23.9 to 34.1\u00a0%"
    assert value_text(metric("interactions"), 26.04) == "26.0"
    assert metric("unheard_of").title == "Unheard of"


def test_every_metric_of_a_report_is_described_by_its_protocol():
    assert all(m.meaning and METRICS[name].name == name for name, m in METRICS.items())
    played = episode([record(True)], left=0, replaced=[record(True)])
    for protocol in PLAYED.values():
        assert {m.name for m in protocol.metrics([played])} <= METRICS.keys(), protocol.name
        assert METRICS[protocol.paired_metric.name] is protocol.paired_metric
    assert set(DIGITS) | {Unit.FRACTION} == set(Unit)


@pytest.mark.parametrize(
    ("label", "baseline"),
    [
        ("random", "random"),
        ("random_servo", "random_servo"),
        ("heuristic+uncalibrated", "heuristic"),
        ("heuristic (smallest eigenvalue)", "heuristic"),
        ("randomised net", None),
        ("supersizing (oracle)", None),
    ],
)
def test_a_policy_learned_unless_its_label_is_a_baselines(label: str, baseline: str | None):
    assert baseline_of(label) == baseline
    assert is_learned(label) == (baseline is None)


def test_the_page_of_attempts_can_be_filtered_and_shows_every_id():
    attempts = [
        (attempt, label_values(labels))
        for _, attempt, labels in play(
            "random", 0, np.random.default_rng(3), count=4, tries=8, skill=0.5
        )
    ]
    page = attempts_page(attempts, title=EVIL, total=100).html()
    parser = checked(page)
    assert EVIL not in page
    assert "8 of 100 attempts" in page or f"{len(attempts)} of 100 attempts" in page
    assert all(f'data-id="{attempt.id}"' in page for attempt, _ in attempts)
    assert {"select", "script"} <= parser.tags
    assert page.count('loading="lazy"') == len(attempts)


def test_a_page_of_no_attempts_is_a_page():
    checked(attempts_page([], title="empty").html())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_benchmarks_page_shows_the_attempts_that_were_measured(tmp_path: Path):
    job = BenchJob(protocol="isolated", policy=("random", "heuristic"), trials=5)
    measured = bench(job, out=tmp_path, workers=1)
    write_bench(tmp_path, job, [measured])
    story = Story.read(tmp_path / "pictures")
    success = {row.policy: row.value for row in measured.rows if row.metric == "success"}
    for policy, share in success.items():
        strips = [strip for strip in story.strips if strip.policy == policy]
        first = first_scene("novel", 0)
        assert [strip.scene for strip in strips] == [first, first + 1, first + 2]
        failed = {card.id for card in story.cards if card.policy == policy and card.kind != "held"}
        assert len(failed) == round(5 * (1 - share)), "every failure has its card"
        (outcomes,) = (one for one in story.outcomes if one.policy == policy)
        assert outcomes.counts.get("held", 0) == round(5 * share)
        assert sum(outcomes.counts.values()) == 5
    page = write_report([tmp_path]).read_text()
    checked(page)
    assert page.count('class="strip-row"') == 2
    assert "pictures" not in read_run(tmp_path).missing
