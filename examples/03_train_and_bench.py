"""Lesson 3: collect, train, compare. Each line is a command; stop any of them with Ctrl-C and run
the lesson again: it goes on.

Run it:  .venv/bin/python examples/03_train_and_bench.py                 (some minutes on two cores)
         .venv/bin/python examples/03_train_and_bench.py 60 1
    (attempts to learn from, trials: too few to learn much)
"""

import sys

from selfgrasp.cli import main as selfgrasp

COMMANDS = (
    "collect --policy random --attempts {attempts} --attempts-per-scene 5 --out "
    "datasets/lesson-{attempts}",
    "train supersizing:small --data datasets/lesson-{attempts} --max-seconds {seconds} --out "
    "runs/lesson-{attempts}",
    "bench isolated --policy random runs/lesson-{attempts} --trials {trials} --out "
    "runs/lesson-{attempts}-bench",
)


def main(attempts: int = 2000, trials: int = 60) -> int:
    """The three of them, until one fails. Random is always a row: a figure means little without
    it."""
    for template in COMMANDS:
        command = template.format(attempts=attempts, trials=trials, seconds=attempts // 20)
        print(f"$ selfgrasp {command}", flush=True)
        code = selfgrasp(command.split())
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
