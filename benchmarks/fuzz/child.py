"""Runs cases in a forked process and judges what each did."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from benchmarks.fuzz.cases import Case, make_case
from benchmarks.fuzz.mutate import Odd
from benchmarks.fuzz.templates import one_process

_MAY_SAY_SO = {"check": (0, 1, 2), "replay": (0, 1, 2)}
_MOST_BYTES = 10**9
BEGUN = "begun"
GOOD = ("accepted", "refused")


@dataclass(frozen=True)
class Judged:
    """What came of a case.

    Attributes:
        seed: of the case.
        verb: its verb.
        verdict: begun, accepted, refused, or the fault: traceback, unclear, code, outside, memory,
            hang, died.
        detail: what the fault is.
        place: of a traceback: file and line of selfgrasp where it arose.
        command: arguments and mutations.
    """

    seed: int
    verb: str
    verdict: str
    detail: str
    place: str
    command: str


@dataclass(frozen=True)
class Spec:
    """What a case is made of.

    Attributes:
        seed: of its choices.
        values: JSON values to put in the place of others; the usual odd ones if there are none.
    """

    seed: int
    values: Sequence[Any] = ()


def serve(templates: Path, specs: Sequence[Spec], answer: TextIO) -> None:
    """Run these cases, each in a sandbox of its own; write what came of them as lines of JSON, two
    a case: the first says that it has begun."""
    with one_process():
        for spec in specs:
            for judged in run_case(templates, spec):
                print(json.dumps(asdict(judged)), file=answer, flush=True)


def run_case(templates: Path, spec: Spec) -> Iterator[Judged]:
    """Make, run and judge a case."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as name:
        sandbox = Path(name)
        for folder in ("in", "cwd", "home", "outside"):
            (sandbox / folder).mkdir()
        (sandbox / "outside" / "mine").write_text("mine")
        case = make_case(templates, sandbox, Odd(spec.seed, spec.values))
        command = f"{' '.join(case.arguments)[:500]} [{'; '.join(case.mutations)}]"
        judged = Judged(spec.seed, case.arguments[0], BEGUN, "", "", command.replace(name, ""))
        yield judged
        before, began = _outside(sandbox), time.monotonic()
        with _elsewhere(sandbox):
            code, said, error = _run(case, sandbox / "said")
        verdict, detail = _judge(case, code, said, error)
        if verdict in GOOD and (changed := before ^ _outside(sandbox)):
            verdict, detail = "outside", ", ".join(sorted(str(one) for one, *_ in changed))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if verdict in GOOD and memory > _MOST_BYTES:
            verdict, detail = "memory", f"{memory / 1e6:.0f} MB"
        seconds = time.monotonic() - began
        yield replace(
            judged,
            verdict=verdict,
            detail=detail,
            place=_place(error),
            command=f"{judged.command} {seconds:.1f} s",
        )


def _run(case: Case, said: Path) -> tuple[int, str, BaseException | None]:
    """The exit code, standard error, and what was raised."""
    from selfgrasp.cli import main

    kept = [os.dup(1), os.dup(2)]
    target = os.open(said, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    sys.stdout.flush()
    os.dup2(target, 1)
    os.dup2(target, 2)
    code, error = -1, None
    try:
        code = main(list(case.arguments))
    except SystemExit as ended:
        code, error = (ended.code if isinstance(ended.code, int) else 2), ended
    except BaseException as raised:
        error = raised
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(target)
    text = said.read_text(errors="replace")
    said.unlink()
    return code, text, error


def _judge(case: Case, code: int, said: str, error: BaseException | None) -> tuple[str, str]:
    # The parser of arguments has its own words.
    parsed_wrongly = isinstance(error, SystemExit)
    if error is not None and not parsed_wrongly:
        last = traceback.format_exception_only(error)[-1].strip()
        return "traceback", last[:200]
    if "Traceback" in said or "Exception ignored" in said:
        return "traceback", said[-300:]
    if code not in _MAY_SAY_SO.get(case.arguments[0], (0, 2)):
        return "code", f"{code}: {said[-200:]}"
    if code != 2:
        return "accepted", ""
    if parsed_wrongly:
        return "refused", ""
    lines = [line for line in said.splitlines() if line.startswith("selfgrasp") and ": " in line]
    lines = [line for line in lines if "wanted: " in line or "a worker process died" in line]
    if (
        len(lines) != 1
        or "given: None" in said
        or not {"given: ", "; wanted: "} <= _parts(lines[0])
    ):
        return "unclear", said[-300:]
    return "refused", ""


def _parts(line: str) -> set[str]:
    return {part for part in ("given: ", "; wanted: ") if part in line}


def _place(error: BaseException | None) -> str:
    """Where in selfgrasp it arose."""
    frames = traceback.extract_tb(error.__traceback__) if error is not None else []
    ours = [frame for frame in frames if "/selfgrasp/" in frame.filename]
    if not ours:
        return ""
    return f"{ours[-1].filename.rpartition('/selfgrasp/')[2]}:{ours[-1].lineno}"


def _outside(sandbox: Path) -> set[tuple[Path, int, int]]:
    """What lies beside the files that were named, with size and time of writing."""
    found = set()
    for path in (p for part in ("cwd", "home", "outside") for p in (sandbox / part).rglob("*")):
        inside = path.relative_to(sandbox)
        if inside.parts[:2] != ("home", ".cache"):
            stat = path.lstat()
            found.add((inside, stat.st_size, stat.st_mtime_ns))
    for path in sandbox.iterdir():
        if path.name not in ("in", "out", "said"):
            found.add((Path(path.name), 0, 0))
    return found


@contextlib.contextmanager
def _elsewhere(sandbox: Path) -> Iterator[None]:
    home, cwd = os.environ.get("HOME", ""), Path.cwd()
    os.environ["HOME"] = str(sandbox / "home")
    os.chdir(sandbox / "cwd")
    try:
        yield
    finally:
        os.chdir(cwd)
        os.environ["HOME"] = home
        shutil.rmtree(sandbox / "out", ignore_errors=True)
