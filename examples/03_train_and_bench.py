"""Lesson 3: collect, train, compare. Each line is a command; stop any of them with Ctrl-C and run the lesson again: it goes on.

Run it:  .venv/bin/python examples/03_train_and_bench.py        (some minutes on two cores)
"""

import sys

from selfgrasp.cli import main as selfgrasp

COMMANDS = (
    "collect --cell tabletop --policy random --attempts 2000 --workers 2 --out datasets/lesson-3",
    "train supersizing:small --data datasets/lesson-3 --out runs/lesson-3",
    "bench isolated --policy random heuristic runs/lesson-3 --trials 60 --out runs/lesson-3-bench",
)


def main() -> int:
    """The three of them, until one fails. Random is always a row: a figure means little without it."""
    for command in COMMANDS:
        print(f"$ selfgrasp {command}")
        code = selfgrasp(command.split())
        if code:
            return code
    print("open runs/lesson-3-bench/report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
