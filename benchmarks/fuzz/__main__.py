"""`python -m benchmarks.fuzz --examples 5000 --seed 0`: a long run, as a table by verb and the
faults by place; `--examples 1 --seed N` is one case again."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro

from benchmarks.fuzz.child import GOOD, Judged, Spec
from benchmarks.fuzz.run import preload, prepare, run

_FAULTS = ("traceback", "unclear", "hang", "outside", "memory", "died", "code")


@dataclass(frozen=True)
class Args:
    """Give every verb mutated files and options, and judge what it makes of them.

    Attributes:
        examples: how many cases.
        seed: of the first one; the others follow.
        templates: a folder of real files from an earlier run, to save making them.
        json: print every case as a line of JSON instead.
        serve: take cases as lines of JSON from standard input, each a list of seeds and values, and
            answer with what came of them.
    """

    examples: int = 5000
    seed: int = 0
    templates: Path | None = None
    json: bool = False
    serve: bool = False


def main(args: Args) -> int:
    """Run, print; 1 if there was a fault."""
    preload()
    with tempfile.TemporaryDirectory() as made:
        templates = args.templates or Path(made)
        if not (templates / "ids.json").exists():
            templates.mkdir(parents=True, exist_ok=True)
            prepare(templates)
        found = []
        if args.serve:
            _serve(templates)
            return 0
        specs = [Spec(seed) for seed in range(args.seed, args.seed + args.examples)]
        for judged in run(specs, templates):
            found.append(judged)
            if args.json:
                print(json.dumps(asdict(judged)), flush=True)
            elif len(found) % 100 == 0:
                print(f"{len(found)}/{args.examples}", file=sys.stderr, flush=True)
    if not args.json:
        print(table(found))
    return int(any(one.verdict not in GOOD for one in found))


def _serve(templates: Path) -> None:
    for line in sys.stdin:
        specs = [Spec(seed, values) for seed, values in json.loads(line)]
        print(json.dumps([asdict(judged) for judged in run(specs, templates)]), flush=True)


def table(found: list[Judged]) -> str:
    """Counts by verb, then the faults, the most frequent places first."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        counts[one.verb][one.verdict] += 1
        counts["all"][one.verdict] += 1
    columns = (*GOOD, *_FAULTS)
    lines = [f"{'verb':<10} {'tried':>6} " + " ".join(f"{name:>9}" for name in columns)]
    for verb in [*sorted(counts.keys() - {"all"}), "all"]:
        row = counts[verb]
        lines.append(f"{verb:<10} {row.total():>6} " + " ".join(f"{row[c]:>9}" for c in columns))
    places: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in found:
        if one.verdict not in GOOD:
            places[one.verdict, one.place or one.detail[:60]].append(one)
    for (verdict, place), those in sorted(places.items(), key=lambda item: -len(item[1])):
        seeds = ", ".join(str(one.seed) for one in those[:4])
        lines.append(f"\n{len(those)} x {verdict} at {place} (seeds {seeds})")
        lines.append(f"   {those[0].detail[:300]}\n   {those[0].command[:400]}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Args)))
