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


def context(verb: str, rest: str) -> tuple[str, ...]:
    """The words of a command by which its help differs: the system or protocol, and the cell."""
    words = rest.split()
    cell = words.index("--cell") if "--cell" in words else len(words)
    first = [w for w in words[:1] if verb in ("bench", "demo") and re.fullmatch("[a-z_0-9]+", w)]
    return (*first, *words[cell : cell + 2])


@functools.cache
def help_of(verb: str, *words: str) -> str:
    """What `selfgrasp VERB WORDS --help` prints."""
    return subprocess.run(
        [sys.executable, "-m", "selfgrasp", verb, *words, "--help"],
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
        rest = rest.split("#")[0]
        for option in re.findall(r"(?<!\S)--[a-z.-]+", rest):
            told = help_of(verb, *context(verb, rest))
            assert option in told, f"selfgrasp {verb} has no {option}"
