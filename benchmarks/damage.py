"""`python -m benchmarks.damage`: cuts files of a dataset, edits values in it and flips single bits,
and counts what `check` calls sound, as a table; exit code 1 where it is too many."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import tyro

from benchmarks.tables import bench_session
from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.core import (
    Attempt,
    Goal,
    Grasp,
    Hand,
    InputError,
    Label,
    Observation,
    Outcome,
    Step,
    View,
)
from selfgrasp.core.pose import top_down
from selfgrasp.dataset import DatasetWriter, check
from selfgrasp.dataset.schema import TABLES
from selfgrasp.dataset.tables import data_files, open_table

EDITED = ("attempts", "steps", "labels")
"""Tables whose values are edited; the key of a picture is the hash of it."""


@dataclass(frozen=True)
class Args:
    """Damage copies of a small dataset and count those that `check` calls sound.

    Attributes:
        examples: of each kind of damage in each table.
        seed: of the damage.
    """

    examples: int = 40
    seed: int = 0


def main(examples: int, seed: int) -> int:
    """Prints the table; the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound"
        write_sample(sound)
        report = check(sound)
        if not report.ok:
            raise RuntimeError(f"the sample is not sound: {report.problems}")
        missed = 0
        for (table, kind), names in damage(sound, examples, seed).items():
            print(f"{table:14} {kind:10} {examples:4} tried, {len(names):3} called sound")
            for name in names:
                print(f"    {name}")
            missed += len(names)
    return int(missed > 0)


def write_sample(path: Path, attempts: int = 24) -> None:
    """A small dataset in `path`: attempts of two steps with labels of every type."""
    rng = np.random.default_rng(0)
    session = bench_session()
    with DatasetWriter.create_or_open(path, session) as writer:
        for number in range(attempts):
            name = f"0-{number}-0"
            look, after, between = (_look(rng) for _ in range(3))
            grasp = Grasp(top_down(rng.uniform((-0.1, -0.1, 0.02), (0.1, 0.1, 0.2)), 0.3), 0.08)
            attempt = Attempt(
                id=name,
                session=session_key(session),
                scene=number,
                index=0,
                round=0,
                state_group=name,
                policy="random",
                goal=Goal("cup" if number % 2 else None),
                before=look,
                steps=tuple(
                    Step(seen, grasp, grasp, look.hand, rng.random()) for seen in (None, between)
                ),
                outcome=Outcome(bool(number % 3), 0.03, 10.0, rng.random()),
                after=after,
            )
            values = (bool(number % 2), number, 0.5 * number, f"thing {number}", (0.5, number))
            labels = [Label(name, f"kind{i}", value, "Ada") for i, value in enumerate(values)]
            writer.append([encode_attempt(attempt, labels)])


def _look(rng: np.random.Generator) -> Observation:
    camera = bench_session().spec.cameras["overhead"]
    view = View(
        rng.integers(0, 256, (16, 16, 3), np.uint8),
        rng.uniform(0.4, 0.7, (16, 16)).astype(np.float32),
        camera.intrinsics,
        camera.world_from_camera,
    )
    hand = Hand(top_down(rng.uniform((-0.1, -0.1, 0.2), (0.1, 0.1, 0.3)), rng.random()), 0.08, 1.0)
    return Observation(rng.random(), {"overhead": view}, hand)


def damage(sound: Path, examples: int, seed: int) -> Mapping[tuple[str, str], list[str]]:
    """What damage of the dataset in `sound` was not found, in words, by table and kind."""
    random = Random(seed)
    missed: dict[tuple[str, str], list[str]] = {}
    kinds: list[tuple[str, str, Callable[[Path, Random], str]]] = [
        *((table, "truncated", _on(table, _cut)) for table in TABLES),
        *((table, "flipped", _on(table, _flip)) for table in TABLES),
        *((table, "edited", _editor(table)) for table in EDITED),
        ("dataset.json", "edited", _edit_json),
    ]
    for table, kind, change in kinds:
        names = missed.setdefault((table, kind), [])
        for number in range(examples):
            copy = sound.with_name(f"{table}-{kind}-{number}")
            shutil.copytree(sound, copy)
            what = change(copy, random)
            if _is_called_sound(copy):
                names.append(what)
            shutil.rmtree(copy)
    return missed


def _is_called_sound(path: Path) -> bool:
    try:
        return check(path).ok
    except InputError:
        return False


def _on(table: str, change: Callable[[Path, Random], str]) -> Callable[[Path, Random], str]:
    """`change` of a file of a table's rows."""
    return lambda path, random: change(random.choice(data_files(open_table(path, table))), random)


def _cut(file: Path, random: Random) -> str:
    data = file.read_bytes()
    kept = random.randrange(len(data))
    file.write_bytes(data[:kept])
    return f"{file.name} cut to {kept} of {len(data)} bytes"


def _flip(file: Path, random: Random) -> str:
    data = bytearray(file.read_bytes())
    bit = random.randrange(8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    file.write_bytes(data)
    return f"bit {bit} of {file.name}"


def _editor(table: str) -> Callable[[Path, Random], str]:
    """Rewrites a table with one value of one row changed, as a program that reads Lance might."""

    def edit(path: Path, random: Random) -> str:
        stored = open_table(path, table).to_table()
        rows = stored.to_pylist()
        row = random.choice(rows)
        while True:
            name = random.choice(stored.schema.names)
            old = row[name]
            row[name] = _other(old, random)
            if row[name] != old:
                break
        lance.write_dataset(
            pa.Table.from_pylist(rows, stored.schema),
            str(path / f"{table}.lance"),
            mode="overwrite",
            data_storage_version="2.1",
        )
        return f"{name} from {str(old)[:60]} to {str(row[name])[:60]}"

    return edit


def _other(value: Any, random: Random) -> Any:
    """Another value of the same type, or none."""
    if random.random() < 0.2:
        return None
    match value:
        case bool():
            return not value
        case int() | float():
            return value + random.choice((1, -1, 1000))
        case str():
            return random.choice(("", "null", "nope", "../../x", f"{value}x", value[:-1]))
        case dict():
            name = random.choice(list(value))
            return {**value, name: _other(value[name], random)}
        case list() if value:
            place = random.randrange(len(value))
            other = _other(value[place], random)
            # Lists of a fixed number of numbers have no room for none.
            other = 0.0 if other is None else other
            return [*value[:place], other, *value[place + 1 :]]
        case _:
            return value


def _edit_json(path: Path, random: Random) -> str:
    """Changes one value of `dataset.json` that has a say in what is learned."""
    meta = json.loads((path / "dataset.json").read_text())
    places = list(_leaves({name: meta[name] for name in meta if name != "license"}))
    while True:
        *inner, last = random.choice(places)
        holder = meta
        for key in inner:
            holder = holder[key]
        old, holder[last] = holder[last], _other(holder[last], random)
        if holder[last] != old:
            break
    (path / "dataset.json").write_text(json.dumps(meta))
    return f"{'.'.join(map(str, (*inner, last)))} from {old!r:.60} to {holder[last]!r:.60}"


def _leaves(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else None
    )
    if children is None:
        return [above]
    return [leaf for key, child in children for leaf in _leaves(child, (*above, key))]


if __name__ == "__main__":
    args = tyro.cli(Args)
    sys.exit(main(args.examples, args.seed))
