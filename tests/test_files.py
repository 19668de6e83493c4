"""Files are whole or not there at all, nothing is written through a link, and errors name the
place."""

import errno
import os
import stat
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from benchmarks.damage import write_sample
from selfgrasp.cli import main
from selfgrasp.common.files import (
    _prefix,
    atomic_folder,
    atomic_write,
    open_to_append,
    write_whole,
)
from selfgrasp.common.lock import FolderLock
from selfgrasp.core import InputError


def write_and_fail(path: Path, text: str, error: Exception) -> None:
    with atomic_write(path) as partial:
        partial.write_text(text)
        raise error


def test_a_file_is_whole_or_the_old_one(tmp_path: Path):
    target = tmp_path / "new folder" / "report.html"
    with atomic_write(target) as partial:
        partial.write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        write_and_fail(target, "ne", RuntimeError("half way"))
    assert target.read_text() == "old"
    assert os.listdir(target.parent) == ["report.html"]


def test_no_link_is_followed(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("report.html", "report.html.partial"):
        (folder / name).symlink_to(outside)
    with atomic_write(folder / "report.html") as partial:
        assert not partial.is_symlink()
        partial.write_text("theirs")
    assert outside.read_text() == "mine"
    assert (folder / "report.html").read_text() == "theirs"
    assert not (folder / "report.html").is_symlink()


def test_two_writers_of_one_file_have_two_partial_files(tmp_path: Path):
    with atomic_write(tmp_path / "a") as one, atomic_write(tmp_path / "a") as other:
        assert one != other


def test_the_mode_is_that_of_other_files_whatever_library_wrote(tmp_path: Path):
    plain, weights = tmp_path / "plain", tmp_path / "weights.safetensors"
    plain.touch()
    with atomic_write(weights) as partial:
        save_file({}, partial)
    assert stat.S_IMODE(weights.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_errors_name_the_file_that_was_meant(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder") as raised, atomic_write(tmp_path / "folder"):
        pytest.fail("a folder is no file")
    assert raised.value.errno == errno.EISDIR

    # As libraries in Rust report a full disk.
    error = RuntimeError("I/O error: No space left on device (os error 28)")
    with pytest.raises(OSError, match="weights") as raised:
        write_and_fail(tmp_path / "weights", "cut", error)
    assert (raised.value.errno, os.listdir(tmp_path)) == (errno.ENOSPC, ["folder"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_device_is_written_to_and_stays_one():
    with atomic_write(Path("/dev/null")) as partial:
        partial.write_text("gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="/dev/full"), atomic_write(Path("/dev/full")) as partial:
        partial.write_text("too much")


def test_a_folder_is_whole_or_not_there(tmp_path: Path):
    target = tmp_path / "runs" / "merged"
    with pytest.raises(RuntimeError, match="half way"), atomic_folder(target) as partial:
        write_and_fail(partial / "a", "half", RuntimeError("half way"))
    assert os.listdir(target.parent) == []
    with atomic_folder(target) as partial:
        (partial / "a").write_text("whole")
        assert not target.exists()
    assert os.listdir(target.parent) == ["merged"]
    assert (target / "a").read_text() == "whole"
    empty = tmp_path / "empty"
    empty.mkdir()
    inode = empty.stat().st_ino
    with atomic_folder(empty) as partial:
        (partial / "a").write_text("whole")
    assert (sorted(os.listdir(tmp_path)), os.listdir(empty)) == (["empty", "runs"], ["a"])
    assert empty.stat().st_ino == inode
    with pytest.raises(InputError, match=r"not empty.*exists: a"), atomic_folder(target):
        pytest.fail("something is there")


def test_what_a_killed_process_left_of_a_folder_is_removed_and_a_living_ones_stays(tmp_path: Path):
    names = "merged", "m" * 50 + "1", "m" * 50 + "2"
    left = [tmp_path / f"{_prefix(tmp_path / name)}0123456789abcdef.partial" for name in names]
    for folder in left:
        (folder / "data").mkdir(parents=True)
    with atomic_folder(tmp_path / names[0]), atomic_folder(tmp_path / names[1]) as living:
        assert [folder.exists() for folder in left] == [False, False, True]
        with atomic_folder(tmp_path / names[2]):
            assert living.is_dir()
    assert sorted(os.listdir(tmp_path)) == sorted(names)


def test_of_two_that_fill_one_folder_the_second_is_refused_at_once(tmp_path: Path):
    with atomic_folder(tmp_path / "out") as first:
        (first / "first").touch()
        with (
            pytest.raises(InputError, match="another process is filling"),
            atomic_folder(tmp_path / "out"),
        ):
            pytest.fail("it is filled already")
    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(tmp_path / "out") == ["first"]


def test_a_folder_that_was_filled_meanwhile_is_not_overwritten(tmp_path: Path):
    with pytest.raises(InputError, match="not empty"), atomic_folder(tmp_path / "out"):  # noqa: PT012
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "other").touch()
    assert os.listdir(tmp_path / "out") == ["other"]


@pytest.mark.timeout(20)
def test_a_pipe_is_written_to_where_somebody_reads_and_refused_where_nobody_does(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="pipe"):
        write_whole(pipe, b"data")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"data")
    assert os.read(reader, 10) == b"data"
    os.close(reader)


def test_files_to_append_to_and_locks_follow_no_link(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / ".lock").symlink_to(outside)
    with pytest.raises(OSError, match=r"\.lock"):
        open_to_append(tmp_path / ".lock")
    with pytest.raises(OSError, match=r"\.lock"):
        FolderLock(tmp_path, ".lock", what="run", doing="training")
    assert outside.read_text() == "mine"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe"):
        open_to_append(tmp_path / "pipe")


def test_a_folder_has_one_process_at_work(tmp_path: Path):
    folder = tmp_path / "new"
    with FolderLock(folder, ".training", what="run", doing="training"):
        with pytest.raises(InputError, match=f"is training; .*exists: process {os.getpid()} on"):
            FolderLock(folder, ".training", what="run", doing="training")
        FolderLock(folder, ".benchmark", what="run", doing="measuring").release()
    assert not folder.exists()
    folder.mkdir()
    (folder / ".training").write_text("left by a killed process")
    FolderLock(folder, ".training", what="run", doing="training").release()
    assert os.listdir(folder) == []


def test_a_folder_with_a_link_that_is_written_to_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    outside, run = tmp_path / "outside", tmp_path / "run"
    for folder in (outside, run):
        folder.mkdir()
    write_sample(tmp_path / "data", 4)
    train = ["train", "supersizing:small", "--data", str(tmp_path / "data"), "--out", str(run)]
    bench = ["bench", "isolated", "--policy", "random", "--trials", "1", "--out", str(run)]
    label = ["label", str(tmp_path / "data"), "--by", "Ada", "--csv", str(tmp_path / "a.csv")]
    (tmp_path / "a.csv").write_text("attempt,name,value\n0-0-0,a,1\n")
    for name, folder, command in (
        ("checkpoints", run, train),
        ("tensorboard", run, train),
        ("pictures", run, bench),
        (".episodes", run, bench),
        ("vectors", tmp_path / "data", label),
    ):
        (folder / name).symlink_to(outside)
        assert main(command) == 2
        assert f"given: {folder / name}, a link" in capsys.readouterr().err
        (folder / name).unlink()
    assert os.listdir(outside) == os.listdir(run) == []


def test_a_folder_is_locked_where_the_disk_has_no_room_for_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with FolderLock(tmp_path / "run", ".training", what="run", doing="training"):
        assert os.listdir(tmp_path / "run") == [".training"]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(".demo", ["demo"]), (".reproduction", ["reproduce", "supersizing", "--quick"])],
)
def test_a_folder_has_one_demo_or_reproduction_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, arguments: list[str]
):
    with FolderLock(tmp_path, name, what="folder", doing="working in"):
        assert main([*arguments, "--out", str(tmp_path)]) == 2
    assert "which another process is" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
