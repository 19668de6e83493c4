"""Whatever a verb is given, it answers with one line, soon, and writes nothing outside of what was
named. `python -m benchmarks.fuzz` is the same at length."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
BATCHES, BATCH = 2, 25
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
CASES = st.tuples(st.integers(0, 2**32 - 1), st.lists(VALUES, max_size=6))


class Fuzz:
    """A process that runs cases; it forks, which one that has used Lance must not."""

    def __init__(self) -> None:
        self.verbs: Counter[str] = Counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fuzz", "--serve"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, cases: list[tuple[int, list[Any]]]) -> list[dict[str, Any]]:
        """What came of the cases."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(cases), file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith('[{"seed"'):
                found: list[dict[str, Any]] = json.loads(line)
                self.verbs.update(one["verb"] for one in found)
                return found
        pytest.fail("the process that runs cases ended")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def fuzz() -> Iterator[Fuzz]:
    process = Fuzz()
    yield process
    process.close()
    # Most verbs were tried, where the cases were run.
    assert len(process.verbs) >= 6 or not process.verbs, process.verbs


@pytest.mark.slow
@pytest.mark.timeout(600)  # under a minute where nothing else runs
@settings(
    max_examples=BATCHES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    verbosity=Verbosity.quiet,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(CASES, min_size=BATCH, max_size=BATCH))
def test_whatever_a_verb_is_given_it_answers_in_one_line(
    fuzz: Fuzz, cases: list[tuple[int, list[Any]]]
) -> None:
    faults = [one for one in fuzz.run(cases) if one["verdict"] not in ("accepted", "refused")]
    assert not faults, json.dumps(faults, indent=1)
