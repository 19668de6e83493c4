"""Writing: durable, once, by one process, in one cell; and readable whatever moment a writer is
killed at."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers_attempts import make_attempts, make_session, make_spec

from selfgrasp.codec import EncodedAttempt, encode_attempt
from selfgrasp.core import InputError, Label
from selfgrasp.dataset import Dataset, DatasetWriter, SplitRule, check, merge, tables
from selfgrasp.dataset import writer as writer_module
from selfgrasp.dataset.meta import META_FILE, read_meta
from selfgrasp.dataset.schema import TABLES
from selfgrasp.dataset.tables import open_table


def encoded(n: int, **options) -> list[EncodedAttempt]:
    return [encode_attempt(attempt, labels) for attempt, labels in make_attempts(n, **options)]


def test_what_was_appended_is_there_once_whatever_is_appended_again(tmp_path):
    batch = encoded(6)
    with DatasetWriter.create_or_open(tmp_path / "d", make_session()) as writer:
        assert writer.append(batch[:4]) == 4
        assert writer.append(batch) == 2
        assert writer.append([*batch, *batch]) == 0
        assert len(writer) == 6
        assert batch[0].id in writer
    with DatasetWriter.create_or_open(tmp_path / "d", make_session()) as writer:
        assert writer.ids == {e.id for e in batch}
        assert writer.append(batch) == 0
    assert open_table(tmp_path / "d", "steps").count_rows() == 6
    assert check(tmp_path / "d").problems == ()


def test_equal_pictures_are_stored_once(tmp_path):
    batch = encoded(3)
    twin = EncodedAttempt({**batch[0].plain, "id": "twin"}, batch[0].pictures)
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append([batch[0], twin])
        writer.append([EncodedAttempt({**batch[0].plain, "id": "triplet"}, batch[0].pictures)])
    assert open_table(tmp_path, "pictures").count_rows() == len(batch[0].pictures)


def test_a_second_writer_is_told_who_the_first_is(tmp_path):
    with (
        DatasetWriter.create_or_open(tmp_path, make_session()),
        pytest.raises(InputError, match=rf"another process is writing.*process {os.getpid()} on "),
    ):
        DatasetWriter.create_or_open(tmp_path, make_session())
    DatasetWriter.create_or_open(tmp_path, make_session()).close()


def test_another_cell_is_refused_and_both_are_named(tmp_path):
    message = r"given: cell 'other'.*exists: cell 'test_table'.*differ in name"
    with (
        DatasetWriter.create_or_open(tmp_path, make_session()) as writer,
        pytest.raises(InputError, match=message),
    ):
        writer.add_session(make_session(spec=make_spec("other")))
    with pytest.raises(
        InputError, match=r"given: cell 'test_table'.*exists: cell 'test_table'.*differ in options"
    ):
        DatasetWriter.create_or_open(
            tmp_path, make_session(spec=make_spec(options={"noise": "much"}))
        )


def test_another_split_or_schema_version_is_refused_and_both_are_named(tmp_path):
    DatasetWriter.create_or_open(tmp_path, make_session()).close()
    with pytest.raises(InputError, match=r"train=0.5.*never changes.*train=0.8"):
        DatasetWriter.create_or_open(
            tmp_path, make_session(), split=SplitRule(train=0.5, validation=0.25, test=0.25)
        )
    meta = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps({**meta, "schema": 9}))
    with pytest.raises(InputError, match=r"schema version 9; wanted: schema version 2"):
        DatasetWriter.create_or_open(tmp_path, make_session())


def test_an_unknown_session_is_refused(tmp_path):
    with (
        DatasetWriter.create_or_open(tmp_path, make_session()) as writer,
        pytest.raises(InputError, match=r"given: session '.*'; wanted: a known session"),
    ):
        writer.append(encoded(1, session=make_session(seed=99)))


def test_a_full_disk_stops_in_good_order(tmp_path, monkeypatch):
    batch = encoded(2)
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append(batch[:1])
        monkeypatch.setattr(
            shutil,
            "disk_usage",
            lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 41_000_000, 41_000_000),
        )
        with pytest.raises(
            InputError, match=r"41 MB free .* at least 200 MB .*goes on after the 1 attempts"
        ):
            writer.append(batch)
    assert len(Dataset.open(tmp_path)) == 1


def test_an_append_that_failed_half_way_can_be_repeated(tmp_path, monkeypatch):
    batch = encoded(3)
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        append_rows = tables.append_rows

        def broken(table, rows):
            written = append_rows(table, rows)
            if Path(table.uri).stem == "steps":
                raise OSError("no space left on device")
            return written

        monkeypatch.setattr(tables, "append_rows", broken)
        with pytest.raises(OSError, match="no space"):
            writer.append(batch)
        monkeypatch.undo()
        assert writer.append(batch) == 3
    assert open_table(tmp_path, "steps").count_rows() == 3
    assert check(tmp_path).problems == ()


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(InputError, match=r"holds something else.*exists: thesis.tex"):
        DatasetWriter.create_or_open(tmp_path, make_session())
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".")) == [
        "thesis.tex"
    ]


def test_attempts_without_their_meta_file_are_not_overwritten(tmp_path):
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append(encoded(2))
    (tmp_path / "dataset.json").unlink()
    with pytest.raises(InputError, match=r"2 attempts and without dataset.json"):
        DatasetWriter.create_or_open(tmp_path, make_session())


def test_a_making_that_was_cut_short_begins_anew(tmp_path):
    DatasetWriter.create_or_open(tmp_path, make_session()).close()
    (tmp_path / "dataset.json").unlink()
    shutil.rmtree(tmp_path / "attempts.lance")
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        assert writer.append(encoded(1)) == 1


def test_labels_of_unknown_attempts_are_counted_and_none_is_written(tmp_path):
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        batch = encoded(2)
        writer.append(batch)
        before = open_table(tmp_path, "labels").count_rows()
        with pytest.raises(
            InputError,
            match=r"2 unknown attempts \(ghost, wraith\).*no label was written.*2 attempts",
        ):
            writer.append_labels(
                [
                    Label(batch[0].id, "a", 1, "me"),
                    Label("ghost", "a", 1, "me"),
                    Label("wraith", "a", 1, "me"),
                ]
            )
    assert open_table(tmp_path, "labels").count_rows() == before


def test_compaction_joins_fragments_and_spares_open_readers(tmp_path):
    batch = encoded(12)
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        for one in batch:
            writer.append([one])
        reader = Dataset.open(tmp_path)
        writer.close()
        assert len(list(reader.attempts())) == 12
        assert len(list((tmp_path / "attempts.lance" / "data").iterdir())) > 1
        reader.close()
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append(encoded(13)[12:])
    assert len(list((tmp_path / "attempts.lance" / "data").iterdir())) == 1
    assert [a.id for a in Dataset.open(tmp_path).attempts()] == [e.id for e in encoded(13)]


WRITE_UNTIL_KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from helpers_attempts import make_attempts, make_session
from selfgrasp.codec import encode_attempt
from selfgrasp.dataset import writer as module
module._APPENDS_PER_COMPACTION = 5
batch = [encode_attempt(a, l) for a, l in make_attempts(240, size=16)]
with module.DatasetWriter.create_or_open(sys.argv[1], make_session()) as writer:
    print("open", flush=True)
    for i in range(0, 240, 3):
        writer.append(batch[i : i + 3])
        for one in batch[i : i + 3]:
            print(one.id, flush=True)
print("done", flush=True)
"""


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path):
    path, rng = tmp_path / "d", np.random.default_rng(0)
    acknowledged: set[str] = set()
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_UNTIL_KILLED, str(path), str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "open"
        time.sleep(rng.uniform(0.0, 0.4))
        process.send_signal(signal.SIGKILL)
        acknowledged |= {line for line in process.stdout.read().split("\n")[:-1] if line != "done"}
        process.wait()
        if acknowledged:
            read = [attempt.id for attempt in Dataset.open(path).attempts(threads=1)]
            assert acknowledged <= set(read)
            assert len(read) == len(set(read))
    assert acknowledged
    everything = encoded(240, size=16)
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append(everything)
    report = check(path)
    assert report.problems == ()
    assert report.attempts == report.steps == 240
    by_id = {attempt.id: attempt for attempt in Dataset.open(path).attempts()}
    assert by_id.keys() == {e.id for e in everything}


def test_a_dataset_that_was_there_stays_when_its_writer_fails(tmp_path):
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.set_license("CC-BY-4.0")
    with pytest.raises(RuntimeError), DatasetWriter.create_or_open(tmp_path, make_session()):
        raise RuntimeError
    assert read_meta(tmp_path).license == "CC-BY-4.0"
    with (
        pytest.raises(RuntimeError),
        DatasetWriter.create_or_open(tmp_path / "new", make_session()),
    ):
        raise RuntimeError
    assert not (tmp_path / "new" / META_FILE).exists()


def fragments(path: Path) -> dict[tuple[str, int], int]:
    """Rows of every fragment of every table, by table and number."""
    return {
        (name, fragment.fragment_id): fragment.count_rows()
        for name in TABLES
        for fragment in open_table(path, name).get_fragments()
    }


def test_appending_writes_as_many_rows_to_many_attempts_as_to_few(tmp_path, monkeypatch):
    """64 attempts in eight appends; fragments are full at 32 rows here, at thousands elsewhere."""
    rows = dict.fromkeys(TABLES, 32)
    monkeypatch.setattr(writer_module, "AT_CLOSE", rows)
    monkeypatch.setattr(writer_module, "WHILE_WRITING", rows)
    batch = encoded(640 + 64, size=16)
    written = {}
    for existing in (64, 640):
        path = tmp_path / str(existing)
        with DatasetWriter.create_or_open(path, make_session()) as writer:
            writer.append(batch[:existing])
        before = fragments(path)
        with DatasetWriter.create_or_open(path, make_session()) as writer:
            for i in range(640, 704, 8):
                writer.append(batch[i : i + 8])
        fresh = {key: count for key, count in fragments(path).items() if key not in before}
        written[existing] = sum(fresh.values())
        assert len(Dataset.open(path)) == existing + 64
    # 64 attempts are 64 steps, 256 pictures and 64 to 128 labels; a fragment that was not full may
    # be copied in each table.
    assert written[64] <= 64 + 64 + 256 + 128 + 4 * 32
    assert written[640] <= written[64] + 4 * 32


def test_opening_a_writer_reads_ids_and_no_more(tmp_path):
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        writer.append(encoded(400, size=32))
    with DatasetWriter.create_or_open(tmp_path, make_session()) as writer:
        read = sum(
            table.io_stats_incremental().read_bytes for table in writer._tables._open.values()
        )
        stored = sum(file.stat().st_size for file in tmp_path.glob("*.lance/data/*"))
    # Names of 400 attempts, of their steps and labels, and of 1,600 pictures; footers of files.
    assert 400 * 8 < read < 250_000 < stored / 8


def test_a_dataset_that_was_renamed_meanwhile_is_not_begun_again(tmp_path):
    path = tmp_path / "data"
    with DatasetWriter.create_or_open(path, make_session()) as writer:
        writer.append(encoded(2))
        path.rename(tmp_path / "moved")
        with pytest.raises(InputError, match="removed or renamed meanwhile"):
            writer.append(encoded(4))
        (tmp_path / "moved").rename(path)
    assert check(path).ok


def test_a_dataset_that_cannot_be_begun_leaves_nothing(tmp_path, monkeypatch):
    def full(path, meta):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module, "write_meta", full)
    with pytest.raises(OSError, match="No space left"):
        DatasetWriter.create_or_open(tmp_path / "d", make_session())
    assert list(tmp_path.iterdir()) == []


def test_a_merge_without_room_says_so_before_it_begins(tmp_path, monkeypatch):
    with DatasetWriter.create_or_open(tmp_path / "d", make_session()) as writer:
        writer.append(encoded(2))
    monkeypatch.setattr(writer_module, "MIN_FREE", 1 << 60)
    with pytest.raises(InputError, match=rf"on the disk of {tmp_path};.*run the same command"):
        merge([tmp_path / "d"], tmp_path / "merged")
    assert [one.name for one in tmp_path.iterdir()] == ["d"]
