"""The command line: `selfgrasp VERB ...`. Imports a verb's module only when it is asked for, so
that help comes at once."""

from __future__ import annotations

import atexit
import difflib
import os
import signal
import sys
from dataclasses import dataclass

from selfgrasp import __version__
from selfgrasp.verbs.command import STOPPED, call, kill_children, leaving_closed_pipes


@dataclass(frozen=True)
class Verb:
    """A verb: the module that holds its `Args` and `run`, one line about it, and the group it is
    listed under."""

    module: str
    summary: str
    group: str


VERBS: dict[str, Verb] = {
    "doctor": Verb(
        "selfgrasp.verbs.doctor",
        "what works on this machine, and how to fix what does not",
        "start",
    ),
    "demo": Verb(
        "selfgrasp.verbs.demo",
        "the whole story in minutes: collect, learn, compare, report",
        "start",
    ),
    "collect": Verb(
        "selfgrasp.verbs.collect",
        "let a policy try, and keep every attempt; goes on where it stopped",
        "gather",
    ),
    "candidates": Verb(
        "selfgrasp.verbs.candidates",
        "grasps with analytic labels from shapes alone, by the million",
        "gather",
    ),
    "check": Verb(
        "selfgrasp.verbs.check", "read a whole dataset and say what is wrong with it", "gather"
    ),
    "card": Verb("selfgrasp.verbs.card", "what a dataset holds, as a page of Markdown", "gather"),
    "label": Verb("selfgrasp.verbs.label", "attach a CSV of labels, with its author", "gather"),
    "pictures": Verb(
        "selfgrasp.verbs.pictures", "a folder of labelled pictures as a dataset", "gather"
    ),
    "merge": Verb("selfgrasp.verbs.merge", "several datasets into one", "gather"),
    "export": Verb(
        "selfgrasp.verbs.export", "write a dataset in the LeRobot v3.0 format", "gather"
    ),
    "upgrade": Verb(
        "selfgrasp.verbs.upgrade", "bring a dataset of an older version up to this one", "gather"
    ),
    "view": Verb("selfgrasp.verbs.view", "a page of attempts, filterable", "look"),
    "replay": Verb("selfgrasp.verbs.replay", "play one attempt again", "look"),
    "train": Verb(
        "selfgrasp.verbs.train", "learn from a dataset; goes on where it stopped", "learn"
    ),
    "bench": Verb("selfgrasp.verbs.bench", "measure any policy by a protocol", "compare"),
    "reproduce": Verb(
        "selfgrasp.verbs.reproduce", "a paper's whole table beside the paper's figures", "compare"
    ),
    "report": Verb(
        "selfgrasp.verbs.report", "one page from the runs of several policies", "compare"
    ),
    "plan": Verb("selfgrasp.verbs.plan", "one picture in, grasps out", "use"),
    "find": Verb(
        "selfgrasp.verbs.find", "two pictures in: where in the one is the other's object", "use"
    ),
}

_GROUPS = {
    "start": "Start here",
    "gather": "Gather attempts and look after them",
    "look": "Look at them",
    "learn": "Learn from them",
    "compare": "Compare",
    "use": "Use",
}

_EXAMPLES = """\
Examples:
  selfgrasp demo
  selfgrasp collect --cell tabletop --policy random --attempts 2000 --workers 2 --out datasets/first
  selfgrasp train supersizing:small --data datasets/first --out runs/first
  selfgrasp bench isolated --policy random heuristic runs/first --out runs/first-bench
  selfgrasp view datasets/first

`selfgrasp VERB --help` explains a verb.
Ctrl-C stops it; the same command goes on where it stopped."""


def help_text() -> str:
    """The verbs in groups, and examples."""
    lines = [
        "selfgrasp: a robot that teaches itself to grasp.",
        "",
        "usage: selfgrasp VERB [options]",
    ]
    for group, title in _GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [
            f"  {name:<10} {verb.summary}" for name, verb in VERBS.items() if verb.group == group
        ]
    return "\n".join([*lines, "", _EXAMPLES])


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return its exit code: 0 done, 1 done and something is wrong, 2 a wrong
    input, 130 stopped by Ctrl-C. A closed pipe, as behind `| head`, ends in silence."""
    if arguments is not None:
        return _piped(arguments)
    # Registered before all others, and so run after them.
    ending: list[int] = []
    atexit.register(_end_at_once_if_stopped, ending)
    ending.append(_piped(sys.argv[1:]))
    # Nothing is left to do but to end: Ctrl-C may do that at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return ending[0]


def _piped(arguments: list[str]) -> int:
    code = 0
    with leaving_closed_pipes():
        code = _run(arguments)
    return code


def _end_at_once_if_stopped(ending: list[int]) -> None:
    """The interpreter takes seconds to clear libraries away that the system clears in no time."""
    if ending == [STOPPED]:
        kill_children()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(STOPPED)


def _run(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help", "help"):
        print(help_text())
        return 0
    if given[0] == "--version":
        print(f"selfgrasp {__version__}")
        return 0
    name, *rest = given
    if name not in VERBS:
        near = difflib.get_close_matches(name, VERBS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        print(f"selfgrasp: no verb {name!r}; {hint}known: {', '.join(VERBS)}", file=sys.stderr)
        return 2
    return call(VERBS[name].module, rest, prog=f"selfgrasp {name}", summary=VERBS[name].summary)


if __name__ == "__main__":
    sys.exit(main())
