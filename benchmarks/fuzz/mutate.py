"""Mutations of real files: cut, flipped, swapped in type, nested, replaced by what is no file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.fuzz.shapes import write_glb

NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e309",
    "9" * 400,
    "9223372036854775808",
    "1.5",
    "x",
    "",
)
PATHS = (
    "",
    ".",
    "..",
    "../../x",
    "/dev/null",
    "/nowhere/x",
    "x" * 300,
    "a\nb",
    "file:x",
    "s3:",
    "~",
)
_ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**400, 1e308, float("nan"), float("inf"), -0.0, "", "x", "../../x",
    "/etc/hosts", "\x1b[31m", "\ud800", "<b>", [], {}, [[]], [None], {"x": None}, [1, "a"],
    "9" * 5000,
)  # fmt: skip


class Odd(Random):
    """Choices from a seed, with the JSON values that stand where others were.

    Args:
        seed: of the choices.
        values: at least one; the usual ones by default.
    """

    def __new__(cls, seed: int, values: Sequence[Any] = ()) -> Odd:
        """Of the seed alone: values need not have a hash."""
        return super().__new__(cls, seed)

    def __init__(self, seed: int, values: Sequence[Any] = ()) -> None:
        super().__init__(seed)
        self.values = tuple(values) or _ODD


def mutate_tree(root: Path, random: Odd) -> str:
    """Mutate one file below `root`, or `root` itself; says what was done."""
    files = [root] if root.is_file() else _in_order(root)
    tables = sorted(root.glob("*.lance")) if root.is_dir() else []
    if tables and random.random() < 0.35:
        return mutate_row(random.choice(tables), random)
    named = [path for path in files if path.suffix in (".json", ".jsonl", ".safetensors")]
    path = random.choice(named) if named and random.random() < 0.5 else random.choice(files)
    return f"{path.relative_to(root.parent)}: {mutate_file(path, random)}"


def _in_order(root: Path) -> list[Path]:
    """The files below `root`, in an order in which the random part of a name has no say."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return sorted(
        files, key=lambda path: (re.sub(r"[0-9a-f-]{20,}", "", str(path)), path.stat().st_size)
    )


def mutate_file(path: Path, random: Odd) -> str:
    """Mutate a file as its kind invites to, or as bytes, or replace it by something else."""
    draw = random.random()
    if draw < 0.12:
        return _replace(path, random)
    special: dict[str, Callable[[Path, Odd], str]] = {
        ".json": _json,
        ".jsonl": _json_lines,
        ".yaml": _yaml,
        ".safetensors": _safetensors,
        ".csv": _csv,
        ".png": _png,
        ".npy": _npy,
        ".obj": _words,
        ".xml": _xml,
        ".urdf": _xml,
        ".glb": _glb,
    }
    if draw < 0.7 and path.suffix in special:
        with contextlib.suppress(ValueError, KeyError, IndexError):
            return special[path.suffix](path, random)
    return _bytes(path, random)


def mutate_value(value: Any, random: Odd) -> Any:
    """A JSON value of which one part is another."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(sorted(value))
        if random.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutate_value(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        if random.random() < 0.1:
            return value[:at] + value[at + 1 :]
        return [*value[:at], mutate_value(value[at], random), *value[at + 1 :]]
    if isinstance(value, str) and value[:1] in ("{", "[") and random.random() < 0.7:
        with contextlib.suppress(ValueError):
            return json.dumps(mutate_value(json.loads(value), random))
    if isinstance(value, (int, float)) and random.random() < 0.4:
        return random.choice((value + 1, -value, value * 1000, value / 3, float("nan"), str(value)))
    return random.choice(random.values)


def mutate_row(table: Path, random: Odd) -> str:
    """Another value in one row of a Lance table, written as the library writes it."""
    import lance
    import pyarrow as pa

    stored = lance.dataset(str(table.absolute())).to_table()
    rows = stored.to_pylist()
    if not rows:
        return f"{table.name}: empty as it was"
    at = random.randrange(len(rows))
    done = f"{table.name}: row {at}"
    if random.random() < 0.1:
        rows.append(rows[at])
        done = f"{done} twice"
    else:
        rows[at] = mutate_value(rows[at], random)
    try:
        changed = pa.Table.from_pylist(rows, schema=stored.schema)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, AttributeError, KeyError):
        return f"{table.name}: as it was"
    lance.write_dataset(changed, str(table.absolute()), mode="overwrite")
    return done


def _json(path: Path, random: Odd) -> str:
    value = json.loads(path.read_text())
    for _ in range(random.choice((1, 1, 1, 3))):
        value = mutate_value(value, random)
    if random.random() < 0.06:
        path.write_text("[" * 100_000 + "]" * 100_000)
        return "nested 100,000 deep"
    text = json.dumps(value)
    path.write_text(text.replace("NaN", "nan") if random.random() < 0.02 else text)
    return "another value"


def _json_lines(path: Path, random: Odd) -> str:
    lines = path.read_text().splitlines()
    at = random.randrange(len(lines))
    lines[at] = json.dumps(mutate_value(json.loads(lines[at] or "{}"), random))
    path.write_text("\n".join(lines) + "\n")
    return f"line {at}: another value"


def _yaml(path: Path, random: Odd) -> str:
    draw = random.random()
    if draw < 0.15:
        bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for depth in range(1, 10):
            bomb += f"a{depth}: &a{depth} [{', '.join([f'*a{depth - 1}'] * 9)}]\n"
        path.write_text(bomb + "K: *a9\n")
        return "aliases that multiply"
    if draw < 0.25:
        path.write_text("K: &a [*a, 1]\n")
        return "a list in itself"
    if draw < 0.4:
        path.write_text("K: " + "[" * 5000 + "]" * 5000)
        return "nested 5,000 deep"
    if draw < 0.5:
        path.write_text("K: !!python/object/apply:os.system ['touch pwned']\n")
        return "a tag of Python"
    return _words(path, random)


def _words(path: Path, random: Odd) -> str:
    lines = path.read_text().splitlines()
    at = random.randrange(len(lines))
    words = lines[at].split(" ")
    words[random.randrange(len(words))] = random.choice((*NUMBERS, "[1", "nan nan", ":", "- -"))
    lines[at] = " ".join(words)
    path.write_text("\n".join(lines) + "\n")
    return f"line {at}: another word"


def _xml(path: Path, random: Odd) -> str:
    """Another attribute, or a tag that is left out, doubled or renamed."""
    text = path.read_text()
    found = list(re.finditer(random.choice((r'"[^"<]*"', r"<[a-z]+", r"<[^>]*>")), text))
    at = random.choice(found)
    numbers = (
        "0 0 0",
        "0",
        "1",
        "-1",
        "1e30",
        "nan",
        "0 0",
        "x",
        "",
        "9" * 400,
        "package://x/y.stl",
    )
    old = at.group()
    if old.startswith('"'):
        new = f'"{random.choice(numbers)}"'
    else:
        other = random.choice(("<mesh", "<joint", "<freejoint/>", "<include", "<plugin", "<geom"))
        new = random.choice(("", old + old, other, "<!DOCTYPE x [<!ENTITY a '&a;'>]>" + old))
    path.write_text(text[: at.start()] + new + text[at.end() :])
    return f"{old[:40]} is {new[:40]}"


def _glb(path: Path, random: Odd) -> str:
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    scene = mutate_value(json.loads(data[20 : 20 + length]), random)
    write_glb(path, scene, data[28 + length :])
    return "another value"


def _csv(path: Path, random: Odd) -> str:
    lines = path.read_text().splitlines()
    at = random.randrange(len(lines))
    cells = lines[at].split(",")
    odd = ("", "nan", "x" * 200_000, "[" * 60_000, f"[{'9' * 400}]", '"', "é", ";", "\t", "../../x")
    cells[random.randrange(len(cells))] = random.choice((*odd, *NUMBERS))
    lines[at] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding=random.choice(("utf-8", "utf-16", "latin-1")))
    return f"line {at}: another cell"


def _png(path: Path, random: Odd) -> str:
    data = path.read_bytes()
    width, height = random.choice(((60_000, 60_000), (0, 0), (2**31, 1), (1, 1), (20_000, 20_000)))
    header = b"IHDR" + struct.pack(">II", width & 0xFFFFFFFF, height) + data[24:29]
    path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
    return f"said to be {width} x {height}"


def _npy(path: Path, random: Odd) -> str:
    data = path.read_bytes()
    new = random.choice((b"(1000000000000000, 4)", b"(-1, 4)", b"(4, 4, 4)", b"()", b"(4"))
    path.write_bytes(data.replace(b"(4, 4)", new, 1))
    return f"shape {new.decode()}"


def _safetensors(path: Path, random: Odd) -> str:
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.dumps(mutate_value(json.loads(data[8 : 8 + length]), random)).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    return "another value in the header"


def _bytes(path: Path, random: Odd) -> str:
    data = bytearray(path.read_bytes())
    at = random.randrange(len(data) + 1)
    match random.randrange(6):
        case 0:
            del data[at:]
            done = f"cut at {at}"
        case 1:
            for _ in range(random.choice((1, 1, 8))):
                if data:
                    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            done = "bits flipped"
        case 2:
            data[at:at] = random.randbytes(random.choice((1, 16, 300)))
            done = f"bytes put in at {at}"
        case 3:
            data = bytearray(random.randbytes(len(data)))
            done = "random bytes"
        case 4:
            data = bytearray()
            done = "empty"
        case _:
            data = bytearray(b"\xff\xfe\x00garbage\n" * 3) + data[:at]
            done = "garbage before it"
    path.write_bytes(data)
    return done


def _replace(path: Path, random: Odd) -> str:
    path.unlink()
    match random.randrange(6):
        case 0:
            return "removed"
        case 1:
            path.mkdir()
            return "a folder instead"
        case 2:
            os.mkfifo(path)
            return "a pipe instead"
        case 3:
            path.symlink_to("/dev/zero")
            return "a link to /dev/zero instead"
        case 4:
            path.symlink_to(path.name)
            return "a link to itself instead"
        case _:
            shutil.copyfile("/etc/hosts", path)
            return "another file instead"
