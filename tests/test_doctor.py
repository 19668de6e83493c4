"""The doctor: how to fix whatever is not well, and an exit code that says whether work can
begin."""

import json

import pytest

from selfgrasp.verbs import doctor
from selfgrasp.verbs.doctor import Args, Finding, Health, examine, run


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return list(examine())


def test_this_machine_can_work(findings: list[Finding]):
    assert not [finding for finding in findings if finding.health is Health.FAIL]


def test_what_is_not_well_says_how_to_fix_it(findings: list[Finding]):
    assert all(finding.fix for finding in findings if finding.health is not Health.OK)
    assert not any(finding.fix for finding in findings if finding.health is Health.OK)


def test_a_broken_part_is_a_finding_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def broken() -> Finding:
        raise OSError("cannot open shared object file\nand more")

    for name in ("_renderer", "_one_grasp"):
        monkeypatch.setattr(doctor, name, broken)
    assert run(Args(json=True)) == 1
    told = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert told["renderer"]["found"] == "OSError: cannot open shared object file"
    assert told["memory"]["health"] != "fail"
    assert told["one grasp"]["fix"]


def test_the_table_shows_every_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    shown = [Finding("disk", Health.NOTE, "1 GB", "free some"), Finding("torch", Health.OK, "cpu")]
    monkeypatch.setattr(doctor, "examine", lambda: iter(shown))
    assert run(Args()) == 0
    out = capsys.readouterr().out
    assert all(text in out for text in ("disk", "1 GB", "how to fix it: free some", "torch", "cpu"))
