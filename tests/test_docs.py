"""The documents tell the truth: links lead somewhere, and the commands they print exist with the
options they name."""

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from selfgrasp.cli import VERBS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "selfgrasp").rglob("*.md")]
)
COMMAND = re.compile(r"^(?:\$ )?selfgrasp ([a-z]+)\b(.*)$", re.MULTILINE)
FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)")


@functools.cache
def help_of(verb: str) -> str:
    """What `selfgrasp VERB --help` prints."""
    return subprocess.run(
        [sys.executable, "-m", "selfgrasp", verb, "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path):
    links = [
        link for link in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link
    ]
    assert not [link for link in links if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_exist_with_their_options(document: Path):
    printed = "\n".join(FENCED.findall(document.read_text(encoding="utf-8"))).replace("\\\n", " ")
    for verb, rest in COMMAND.findall(printed):
        assert verb in VERBS, f"no verb {verb!r}"
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest.split("#")[0]):
            assert option in help_of(verb), f"selfgrasp {verb} has no {option}"
