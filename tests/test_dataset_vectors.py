"""Vectors beside the attempts: a table a name, replaced whole, searched exactly or by an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_attempts, make_session
from hypothesis import given, settings
from hypothesis import strategies as st

from selfgrasp.codec import encode_attempt
from selfgrasp.core import InputError
from selfgrasp.dataset import Dataset, DatasetWriter, Metric, Vectors, card, check, merge
from selfgrasp.dataset.tables import open_table
from selfgrasp.dataset.vector_rows import append_vectors, index_vectors
from selfgrasp.dataset.vectors import VectorTable, open_vectors


def dataset_of(path: Path, n: int = 8, *, seed: int = 7) -> tuple[Path, list[str]]:
    session = make_session(seed=seed)
    with DatasetWriter.create_or_open(path, session) as writer:
        made = make_attempts(n, size=16, session=session)
        writer.append([encode_attempt(a) for a, _ in made])
    return path, [a.id for a, _ in made]


def random_vectors(ids: list[str], dimension: int, seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    return Vectors(ids, rng.standard_normal((len(ids), dimension), dtype=np.float32), "me")


def distances(query: np.ndarray, values: np.ndarray, metric: Metric) -> np.ndarray:
    """As the textbook has them, in float64."""
    query, values = query.astype(np.float64), values.astype(np.float64)
    if metric is Metric.L2:
        return np.linalg.norm(values - query, axis=1)
    lengths = np.linalg.norm(values, axis=1) * np.linalg.norm(query)
    return 1 - values @ query / lengths


def test_vectors_come_back_by_name_with_their_places(tmp_path):
    path, ids = dataset_of(tmp_path / "d")
    scene = random_vectors(ids, 6)
    steps, views = np.arange(4) - 1, ["overhead", "", "", "overhead"]
    held = Vectors(ids[:4], random_vectors(ids[:4], 3).values, "Ada", steps=steps, views=views)
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append_vectors("net.scene", Vectors(ids[:5], scene.values[:5], "me"))
        writer.append_vectors("net.scene", Vectors(ids[5:], scene.values[5:], "me"))
        writer.append_vectors("held", held)
    with Dataset.open(path) as dataset:
        assert dataset.vector_names == ("held", "net.scene")
        table = dataset.vectors("net.scene")
        assert (len(table), table.dimension, table.authors) == (8, 6, ("me",))
        assert table.attempts.tolist() == ids
        np.testing.assert_array_equal(table.read(), scene.values)
        np.testing.assert_array_equal(table.read(np.array([6, 2])), scene.values[[6, 2]])
        np.testing.assert_array_equal(np.concatenate(list(table.batches())), scene.values)
        found = dataset.vectors("held").nearest(held.values[3], 1, metric=Metric.L2)
        assert found.attempts.tolist() == [ids[3]]
        assert (found.steps.tolist(), found.views.tolist()) == ([2], ["overhead"])
        assert found.distances.tolist() == [0.0]
        with pytest.raises(InputError, match=r"name of vectors 'x'.*exists: held, net.scene"):
            dataset.vectors("x")
    assert check(path).problems == ()
    assert check(path).vectors == 12
    assert "| net.scene | 8 | 6 | me | none |" in card(path)


def test_wrong_vectors_are_refused_and_nothing_is_written(tmp_path):
    path, ids = dataset_of(tmp_path / "d")
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append_vectors("a", random_vectors(ids, 4))
        with pytest.raises(InputError, match=r"vectors of 1 unknown attempts \(ghost\)"):
            writer.append_vectors("a", random_vectors(["ghost"], 4))
        with pytest.raises(InputError, match=r"vectors of 5 numbers for a; wanted: vectors of 4"):
            writer.append_vectors("a", random_vectors(ids, 5))
        with pytest.raises(InputError, match=r"'../a' as a name of vectors"):
            writer.append_vectors("../a", random_vectors(ids, 4))
    with pytest.raises(InputError, match="8 vectors and 7 attempts"):
        Vectors(ids[1:], random_vectors(ids, 4).values, "me")
    with pytest.raises(InputError, match="not finite"):
        Vectors(ids[:1], np.array([[np.nan]], np.float32), "me")
    assert len(open_vectors(path, "a")) == 8


def test_a_name_is_replaced_whole_or_not_at_all_and_readers_keep_what_they_opened(tmp_path):
    path, ids = dataset_of(tmp_path / "d")
    old, new = random_vectors(ids, 4), random_vectors(ids, 9, seed=1)
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append_vectors("a", old)
    reader = Dataset.open(path)
    table = reader.vectors("a")
    halves = [Vectors(ids[:4], new.values[:4], "you"), Vectors(ids[4:], new.values[4:], "you")]
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        with pytest.raises(InputError, match="2 unknown attempts"):
            writer.replace_vectors("a", [halves[0], random_vectors(["x", "y"], 9)])
        with pytest.raises(InputError, match="vectors of 4 numbers for a; wanted: vectors of 9"):
            writer.replace_vectors("a", [halves[0], old])
        with pytest.raises(InputError, match="no vectors for a"):
            writer.replace_vectors("a", [])
        np.testing.assert_array_equal(open_vectors(path, "a").read(), old.values)
        writer.replace_vectors("a", iter(halves))
    np.testing.assert_array_equal(table.read(), old.values)
    reader.close()
    np.testing.assert_array_equal(open_vectors(path, "a").read(), new.values)
    assert open_vectors(path, "a").authors == ("you",)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from(Metric))
@settings(max_examples=25)
def test_nearest_is_what_sorting_all_distances_gives(tmp_path_factory, seed, k, metric):
    path, rng = tmp_path_factory.mktemp("v"), np.random.default_rng(seed)
    n, dimension = int(rng.integers(1, 60)), int(rng.integers(1, 9))
    # Doubles among them, and a length that float32 can hardly tell apart.
    values = rng.normal(size=(n, dimension)) + 100.0
    values = values[rng.integers(0, n, n)].astype(np.float32)
    ids = [f"a{i}" for i in range(n)]
    append_vectors(path, "v", Vectors(ids, values, "me"))
    queries = values[rng.integers(0, n, 3)] + rng.normal(size=(3, dimension)).astype(np.float32)
    found = open_vectors(path, "v").nearest(queries, k, metric=metric)
    assert found.attempts.shape == (3, min(k, n))
    for query, got in zip(queries, found.distances, strict=True):
        expected = np.sort(distances(query, values, metric))[:k]
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_nearest_among_some_attempts_and_without_ones_own(tmp_path):
    path, ids = dataset_of(tmp_path / "d")
    values = np.eye(8, dtype=np.float32)
    values[1] = values[0] + 0.1 * values[1]
    append_vectors(path, "v", Vectors(ids, values, "me"))
    table = open_vectors(path, "v")
    assert table.nearest(values[0], 2).attempts.tolist() == ids[:2]
    own = table.nearest(values[:2], 1, without=ids[:2])
    assert own.attempts[:, 0].tolist() == [ids[1], ids[0]]
    few = table.nearest(values[0], 4, ids=[ids[1], ids[5]])
    assert few.attempts.tolist() == [ids[1], ids[5], "", ""]
    assert np.isinf(few.distances).tolist() == [False, False, True, True]
    append_vectors(path, "none", Vectors([], np.zeros((0, 8), np.float32), "me"))
    with pytest.raises(InputError, match="no vectors called none"):
        open_vectors(path, "none").nearest(np.zeros(8), 1)
    zero = table.nearest(np.zeros(8), 1)
    assert zero.distances.tolist() == [1.0]
    for bad, message in (
        ({"query": np.zeros(7)}, "query of shape"),
        ({"k": 0}, "k = 0"),
        ({"without": ["a", "b"]}, "1 queries and 2 attempts"),
        ({"exact": False}, "exists: no index"),
    ):
        with pytest.raises(InputError, match=message):
            table.nearest(**{"query": np.zeros(8), "k": 1, **bad})


def test_merge_carries_vectors_once_and_refuses_two_dimensions(tmp_path):
    a, ids = dataset_of(tmp_path / "a")
    b, other = dataset_of(tmp_path / "b", 3, seed=8)
    first, second = random_vectors(ids, 4), random_vectors(other, 4, seed=1)
    append_vectors(a, "v", first)
    append_vectors(b, "v", second)
    assert merge([a, b, a], tmp_path / "out") == 11
    out = open_vectors(tmp_path / "out", "v")
    assert out.attempts.tolist() == [*ids, *other]
    np.testing.assert_array_equal(out.read(), np.concatenate([first.values, second.values]))
    assert check(tmp_path / "out").problems == ()
    append_vectors(b, "w", second)
    append_vectors(a, "w", random_vectors(ids, 5))
    with pytest.raises(InputError, match=r"vectors w of 4 numbers in .*b; wanted: 5"):
        merge([a, b], tmp_path / "none")


def test_check_finds_strays_doubles_and_numbers_that_are_none(tmp_path):
    path, ids = dataset_of(tmp_path / "d")
    append_vectors(path, "v", random_vectors([*ids[:2], ids[0], "ghost"], 4))
    problems = "; ".join(check(path).problems)
    assert "vectors v of 1 unknown attempts: ghost" in problems
    assert "1 vectors v of a place that has one already" in problems


N = 200_000


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """200,000 vectors of 128 numbers in 200 clusters, in ten appends, and others beside them."""
    path, rng = tmp_path_factory.mktemp("many"), np.random.default_rng(0)
    values = rng.standard_normal((N, 128), dtype=np.float32)
    values += 2 * rng.standard_normal((200, 128), dtype=np.float32)[rng.integers(0, 200, N)]
    ids = [f"e4968ac62b1a-{i:06d}-000" for i in range(N)]
    append_vectors(path, "other", random_vectors(ids[:20_000], 1024))
    for start in range(0, N, N // 10):
        part = slice(start, start + N // 10)
        append_vectors(path, "v", Vectors(ids[part], values[part], "me"))
    return path, values


def test_exact_search_of_many_equals_numpy(many):
    path, values = many
    rows = np.random.default_rng(1).choice(N, 4)
    for metric in Metric:
        found = open_vectors(path, "v").nearest(values[rows] + 0.1, 20, metric=metric)
        for row, attempts, got in zip(rows, found.attempts, found.distances, strict=True):
            everything = distances(values[row] + np.float32(0.1), values, metric)
            order = np.argsort(everything)[:20]
            assert [int(name.split("-")[1]) for name in attempts] == order.tolist()
            np.testing.assert_allclose(got, everything[order], rtol=1e-5)


def test_a_search_reads_its_own_table_once_and_no_other(many):
    table = open_vectors(many[0], "v").table
    table.io_stats_incremental()
    VectorTable("v", table).nearest(many[1][:50], 5)
    read = table.io_stats_incremental().read_bytes
    assert many[1].nbytes <= read < 1.3 * many[1].nbytes


def test_an_append_writes_what_is_new_whatever_is_there(many):
    path, values = many
    before = {file: file.stat().st_size for file in path.glob("vectors/v.lance/data/*")}
    table = open_table(path, "vectors/v")
    table.io_stats_incremental()
    batch = Vectors([f"x{i}" for i in range(1000)], values[:1000], "me")
    written = append_vectors(path, "v", batch)
    stats = written.io_stats_incremental()
    after = {file: file.stat().st_size for file in path.glob("vectors/v.lance/data/*")}
    assert {file: size for file, size in after.items() if file in before} == before
    assert sum(after.values()) - sum(before.values()) < 2 * batch.values.nbytes
    assert stats.read_bytes < 100_000
    written.delete("attempt LIKE 'x%'")


def test_an_index_finds_nearly_all_neighbours_and_those_appended_later(many):
    path, values = many
    index_vectors(path, "v", Metric.COSINE)
    table = open_vectors(path, "v")
    assert table.indexed == (Metric.COSINE,)
    queries = values[:20] + 0.1
    exact = table.nearest(queries, 10, exact=True)
    found = table.nearest(queries, 10)
    shared = [len({*a} & {*b}) for a, b in zip(exact.attempts, found.attempts, strict=True)]
    assert np.mean(shared) >= 9.5
    table.table.io_stats_incremental()
    one = table.nearest(queries[0], 10)
    assert table.table.io_stats_incremental().read_bytes < 0.5 * values.nbytes
    assert one.attempts.shape == (10,)
    np.testing.assert_allclose(one.distances[0], exact.distances[0, 0], atol=1e-5)
    append_vectors(path, "v", Vectors(["late"], -values[:1], "me"))
    assert open_vectors(path, "v").nearest(-values[0], 1).attempts.tolist() == ["late"]
    with pytest.raises(InputError, match=r"a search by l2 .*exists: cosine"):
        table.nearest(queries, 1, metric=Metric.L2, exact=False)
