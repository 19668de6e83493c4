"""`python -m benchmarks.writer_memory`: the memory of a process that writes 15,000 attempts, four
an append as a collection does, and how long appending takes."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tyro

from benchmarks.tables import bench_attempts, bench_session, resident_mb
from selfgrasp.dataset import DatasetWriter

_AT_ONCE = 4


@dataclass(frozen=True)
class Args:
    """Write attempts and print memory on the way.

    Attributes:
        attempts: in all.
        every: attempts between two lines.
    """

    attempts: int = 15_000
    every: int = 1_000


def main(args: Args) -> None:
    """Prints a line every so many attempts."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        with DatasetWriter.create_or_open(Path(folder) / "data", bench_session()) as writer:
            for first in range(0, args.attempts, _AT_ONCE):
                writer.append(bench_attempts(first, _AT_ONCE))
                if first % args.every == 0:
                    spent = time.perf_counter() - begun
                    print(f"{first:7} attempts {resident_mb():5.0f} MB {spent:6.1f} s", flush=True)
        print(f"    closed {resident_mb():5.0f} MB {time.perf_counter() - begun:6.1f} s")


if __name__ == "__main__":
    main(tyro.cli(Args))
