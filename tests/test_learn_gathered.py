"""Examples that lie beside a dataset: gathered once, and after an append only what is new."""

import gc
import shutil
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_attempts, make_session
from safetensors.numpy import save_file
from test_candidates import make_shards
from test_learn import CONFIG, Line, LineConfig, line

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.core import Attempt, InputError, Label
from selfgrasp.dataset import DatasetWriter
from selfgrasp.learn import Examples, fit
from selfgrasp.learn.gathered import Data, data_of, examples_of, gather

CHUNK = 40
MADE = make_attempts(240, size=8)
"""Of 240 scenes, so that each part of the split gets some."""


class Colors(Line):
    """One example an attempt that grasped something: its number, a draw, and its colour's length.
    Remembers which attempts were decoded."""

    name = "colors"
    reads_labels = ("colour",)

    def __init__(self, config: LineConfig | None = None) -> None:
        super().__init__(config or LineConfig())
        self.decoded: list[str] = []

    def gather(self, source, split, rng):
        try:
            colors = source.label("colour")
        except InputError:
            colors = {}
        rows = []
        for attempt in source.attempts(split):
            self.decoded.append(attempt.id)
            if attempt.outcome.grasped:
                said = len(str(colors.get(attempt.id, "")))
                rows.append((attempt.scene, attempt.index, rng.random(), said))
        table = np.array(rows, np.float32).reshape(-1, 4)
        return Examples(
            {"x": table[:, 2], "y": table[:, 3], "place": table[:, :2]},
            np.ones(len(table), np.float32),
        )


def append(path: Path, attempts: Sequence[tuple[Attempt, tuple[Label, ...]]]) -> Path:
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append([encode_attempt(attempt, labels) for attempt, labels in attempts])
    return path


def attach(path: Path, attempt: str, name: str, value: str) -> None:
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append_labels([Label(attempt, name, value, "Ada")])


def gathered(path: Path) -> tuple[Data, list[str]]:
    """The examples, and the ids of the attempts that were decoded for them."""
    method = Colors()
    return data_of(method, [path], workers=1, chunk=CHUNK), method.decoded


def assert_same(one: Data, other: Data) -> None:
    for a, b in ((one.train, other.train), (one.validation, other.validation)):
        assert list(a.columns) == list(b.columns)
        for name, column in a.columns.items():
            np.testing.assert_array_equal(column, b[name])
        np.testing.assert_array_equal(a.weights, b.weights)


def test_an_append_decodes_only_what_is_new_and_gives_what_a_gather_from_nothing_gives(
    tmp_path: Path,
):
    path = append(tmp_path / "data", MADE[:160])
    first, decoded = gathered(path)
    assert len(decoded) == len(set(decoded)) <= 160
    assert len(first.train) > 50
    assert gathered(path)[1] == []
    append(path, MADE[160:200])
    grown, decoded = gathered(path)
    assert set(decoded) <= {attempt.id for attempt, _ in MADE[160:200]}
    assert decoded
    assert len(grown.train) > len(first.train)
    fresh, decoded = gathered(append(tmp_path / "fresh", MADE[:200]))
    assert len(decoded) > 150
    assert_same(grown, fresh)
    assert grown.identity.fingerprint == fresh.identity.fingerprint
    # Nothing moved from one part to the other.
    places = [set(map(tuple, part["place"])) for part in (grown.train, grown.validation)]
    assert not places[0] & places[1]
    assert set(map(tuple, first.train["place"])) <= places[0]
    # The last chunk was not full: it is gathered with what came.
    append(path, MADE[200:210])
    gathered(path)
    append(path, MADE[210:220])
    decoded = gathered(path)[1]
    assert set(decoded) <= {attempt.id for attempt, _ in MADE[200:220]}


def test_a_label_that_is_not_declared_gathers_nothing_and_a_declared_one_its_chunk(tmp_path: Path):
    path = append(tmp_path / "data", MADE[:160])
    first, order = gathered(path)
    attach(path, order[0], "note", "blurred")
    noted, decoded = gathered(path)
    assert decoded == []
    assert noted.identity.fingerprint == first.identity.fingerprint
    attach(path, order[0], "colour", "red")
    labelled, decoded = gathered(path)
    assert 0 < len(decoded) <= CHUNK
    assert order[0] in decoded
    assert labelled.identity.fingerprint != first.identity.fingerprint


def test_a_run_goes_on_after_a_note_and_after_an_append_and_not_after_another_label(
    tmp_path: Path,
):
    path = append(tmp_path / "data", MADE[:160])
    data, order = gathered(path)

    def train() -> int:
        data = gathered(path)[0]
        config, run = replace(CONFIG, batch=8), tmp_path / "run"
        return fit(line(), data.train, data.validation, config, run, data=data.identity).steps

    before = train()
    attach(path, order[0], "note", "blurred")
    assert train() == before
    append(path, MADE[160:])
    assert train() > before
    attach(path, order[0], "colour", "red")
    with pytest.raises(InputError, match=r"1 of the \d+ attempts .* are not among these"):
        train()
    assert len(data.train) > 50


def test_several_processes_give_what_one_gives(tmp_path: Path):
    path = append(tmp_path / "data", MADE)
    one = data_of(Colors(), [path], workers=1, chunk=CHUNK)
    shutil.rmtree(path / "examples")
    assert_same(one, data_of(Colors(), [path], workers=2, chunk=CHUNK))


def test_what_an_interrupted_run_or_an_earlier_release_left_is_harmless(tmp_path: Path):
    path = append(tmp_path / "data", MADE[:160])
    whole, _ = gathered(path)
    files = sorted((path / "examples").glob("*/train-*.safetensors"))
    assert len(files) == 4
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:100])
    files[2].with_name(f"{files[2].name}.partial").write_bytes(b"begun")
    save_file({"weights": np.zeros(3, np.float32)}, files[3])
    old = path / "examples" / "colors-01234567-train.safetensors"
    save_file({"weights": np.zeros(3, np.float32)}, old, {"fingerprint": "0123456789abcdef"})
    again, decoded = gathered(path)
    assert_same(whole, again)
    assert 90 <= len(decoded) <= 3 * CHUNK
    assert not old.exists()


def test_examples_with_a_flipped_bit_are_gathered_again(tmp_path: Path):
    path = append(tmp_path / "data", MADE[:80])
    whole, _ = gathered(path)
    files = sorted((path / "examples").glob("*/*.safetensors"))
    for file in files:
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    again, decoded = gathered(path)
    assert len(decoded) >= 70
    assert_same(whole, again)


@pytest.mark.parametrize(("place", "workers"), [("a file", 2), ("a link", 1)])
def test_where_examples_cannot_be_kept_they_are_gathered_all_the_same(
    place: str, workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = append(tmp_path / "data", MADE[:160])
    whole = data_of(Colors(), [path], workers=1, chunk=CHUNK)
    shutil.rmtree(path / "examples")
    outside = tmp_path / "outside"
    outside.mkdir()
    if place == "a file":
        (path / "examples").touch()
    else:
        (path / "examples").symlink_to(outside)
    assert_same(whole, data_of(Colors(), [path], workers=workers, chunk=CHUNK))
    assert "examples are kept for this time alone" in capsys.readouterr().err
    assert not list(outside.iterdir())


def test_the_first_examples_are_those_of_all(tmp_path: Path):
    path = append(tmp_path / "data", MADE[:160])
    whole, _ = gathered(path)
    few = data_of(Colors(), [path], first=48, workers=1, chunk=CHUNK)
    assert (len(few.train), len(few.validation)) == (48, 6)
    np.testing.assert_array_equal(few.train["x"], whole.train["x"][:48])
    assert few.identity.fingerprint != whole.identity.fingerprint
    both = data_of(Colors(), [path, path], workers=1, chunk=CHUNK)
    np.testing.assert_array_equal(both.train["x"], np.tile(whole.train["x"], 2))


class Robust(Colors):
    """One example a candidate, and one an attempt."""

    name = "robust"
    reads_labels = ("robust",)

    def gather(self, source, split, rng):
        found = source.candidates(split, ["robust"]).labels["robust"]
        attempts = [float(a.outcome.grasped) for a in source.attempts(split)]
        values = np.concatenate([found, np.array(attempts, np.float32)])
        return Examples({"x": values}, np.ones(len(values), np.float32))


def test_candidates_are_gathered_once_and_again_when_there_are_more(tmp_path: Path):
    def written(path: Path, shards: range, attempts: int) -> Data:
        session = make_session()
        with DatasetWriter.create_or_open(path, session) as writer:
            made = make_shards(shards.stop)
            writer.append_candidates(session_key(session), {i: made[i] for i in shards})
            if attempts:
                writer.append([encode_attempt(a) for a, _ in MADE[:attempts]])
        return data_of(Robust(), [path], workers=1, chunk=CHUNK)

    alone = written(tmp_path / "alone", range(20), 0)
    assert len(alone.train) + len(alone.validation) < 20 * 10
    mixed = written(tmp_path / "mixed", range(20), 100)
    assert len(mixed.train) - len(alone.train) > 50
    more = written(tmp_path / "mixed", range(20, 30), 0)
    assert len(more.train) > len(mixed.train)
    assert more.identity.fingerprint != mixed.identity.fingerprint
    noted = gathered(tmp_path / "mixed")[0].identity.fingerprint
    written(tmp_path / "mixed", range(30, 31), 0)
    # A method that declares none of their labels does not depend on them.
    assert gathered(tmp_path / "mixed")[0].identity.fingerprint == noted


class Large(Colors):
    """100 kB an attempt."""

    name = "large"

    def gather(self, source, split, rng):
        count = source.len_of(split)
        return Examples({"x": rng.random((count, 12_500))}, np.ones(count, np.float32))


def test_loading_holds_the_examples_once_beside_one_chunk(tmp_path: Path):
    path = append(tmp_path / "data", MADE)
    gather(Large(), path, "train", workers=1, chunk=20)
    # Once before it is measured: what a first call imports is no example.
    examples_of(Large(), path, "train", workers=1, chunk=20)
    gc.collect()
    tracemalloc.start()
    try:
        found = examples_of(Large(), path, "train", workers=1, chunk=20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found["x"].nbytes > 15e6
    # Twice the examples would be 38 MB.
    assert peak < found["x"].nbytes + 2 * 20 * 100_000 + 6e6


class Ragged(Colors):
    """Patches whose size depends on the chunk."""

    name = "ragged"

    def gather(self, source, split, rng):
        count = source.len_of(split)
        side = 2 if source.source.within[0] else 3
        return Examples({"x": np.zeros((count, side))}, np.ones(count, np.float32))


def test_chunks_that_do_not_fit_together_are_refused(tmp_path: Path):
    path = append(tmp_path / "data", MADE[:80])
    with pytest.raises(InputError, match=r"rows \(2,\).*column 'x'.*wanted: \(3,\).*train-00000"):
        examples_of(Ragged(), path, "train", workers=1, chunk=CHUNK)
