"""Training from datasets, as the command does it."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers_attempts import make_session

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.common.lock import FolderLock
from selfgrasp.common.progress import Batches
from selfgrasp.contracts.scenes import box_attempts, box_spec
from selfgrasp.core import InputError
from selfgrasp.dataset import DatasetWriter
from selfgrasp.learn import Ended
from selfgrasp.learn.checkpoint import read_tensors
from selfgrasp.learn.fit import FitResult
from selfgrasp.learn.run import STATE
from selfgrasp.rollout.jobs import TrainJob
from selfgrasp.rollout.train import train
from selfgrasp.verbs.train import run

torch.set_num_threads(1)


def grow(path: Path, scenes: range) -> None:
    """Append the attempts of these box scenes."""
    made = [a for a in box_attempts(scenes.stop, grasps=4) if a.scene in scenes]
    session = make_session(spec=box_spec())
    with DatasetWriter.create_or_open(path, session) as writer:
        key = session_key(session)
        writer.append([encode_attempt(replace(a, session=key)) for a in made])


def weights(run: Path) -> dict[str, torch.Tensor]:
    return read_tensors(run / "checkpoints" / "best.safetensors")[0]


def test_the_same_steps_and_seed_give_the_same_weights_and_more_data_go_on(tmp_path: Path):
    grow(tmp_path / "data", range(10))
    job = TrainJob("supersizing:small", (tmp_path / "data",), tmp_path / "one", steps=3, threads=1)
    one = train(job)
    assert (one.steps, one.ended) == (3, Ended.STEPS)
    train(replace(job, out=tmp_path / "other"))
    first, other = weights(tmp_path / "one"), weights(tmp_path / "other")
    assert all(torch.equal(tensor, other[name]) for name, tensor in first.items())
    train(replace(job, out=tmp_path / "third", seed=1))
    third = weights(tmp_path / "third")
    assert not all(torch.equal(tensor, third[name]) for name, tensor in first.items())
    # More data and a larger budget go on in the same folder.
    grow(tmp_path / "data", range(10, 14))
    grown = train(replace(job, steps=5))
    assert (grown.steps, grown.ended) == (5, Ended.STEPS)
    # Other data do not.
    grow(tmp_path / "else", range(20, 34))
    with pytest.raises(InputError, match=r"other data: \d+ of the \d+ attempts"):
        train(replace(job, data=(tmp_path / "else",), steps=9))


def test_the_last_weights_are_kept_where_they_are_asked_for(tmp_path: Path):
    grow(tmp_path / "data", range(60))
    job = TrainJob("supersizing:small", (tmp_path / "data",), tmp_path / "run", steps=6, threads=1)
    train(replace(job, keep="last"))
    kept, state = weights(tmp_path / "run"), read_tensors(tmp_path / "run" / STATE)[0]
    # All but the scaling, which is fitted to the weights that are kept.
    assert all(torch.equal(kept[n], state[f"model.{n}"]) for n in kept if "platt" not in n)


def test_ctrl_c_saves_what_was_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Between two of the states that are kept anyway; then it goes on as if nothing had been."""
    grow(tmp_path / "data", range(30))
    job = TrainJob("supersizing:small", (tmp_path / "data",), tmp_path / "run", steps=6, threads=1)
    train(replace(job, out=tmp_path / "whole"))

    def interrupt(self: Batches, step: int, values: dict[str, float]) -> None:
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patch.setattr(Batches, "on_batch", interrupt)
        train(job)
    _, facts = read_tensors(tmp_path / "run" / STATE)
    assert 2 <= facts["progress"]["step"] < 6
    assert train(job).steps == 6
    whole = weights(tmp_path / "whole")
    assert all(torch.equal(tensor, whole[n]) for n, tensor in weights(tmp_path / "run").items())


def test_two_trainings_do_not_share_a_folder(tmp_path: Path):
    grow(tmp_path / "data", range(10))
    job = TrainJob("supersizing:small", (tmp_path / "data",), tmp_path / "run", steps=2, threads=1)
    with (
        FolderLock(tmp_path / "run", ".training", what="run", doing="training"),
        pytest.raises(InputError, match="which another process is training"),
    ):
        train(job)
    assert train(job).steps == 2


def test_a_run_of_another_method_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    grow(tmp_path / "data", range(10))
    job = TrainJob("supersizing:small", (tmp_path / "data",), tmp_path / "run", steps=2, threads=1)
    train(job)
    capsys.readouterr()
    with pytest.raises(InputError, match=r"run is a run of supersizing") as refused:
        train(replace(job, method="hand_eye", data=(tmp_path / "absent",)))
    assert "None" not in str(refused.value)
    assert capsys.readouterr().err == ""
    with pytest.raises(InputError, match="seed"):
        train(replace(job, seed=1))
    assert "0/2 steps" not in capsys.readouterr().err


def test_examples_of_an_earlier_training_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    grow(tmp_path / "data", range(10))
    job = TrainJob("supersizing:small", (tmp_path / "data",), tmp_path / "run", steps=1, threads=1)
    train(job)
    assert "examples kept in" not in capsys.readouterr().err
    train(replace(job, out=tmp_path / "other"))
    assert capsys.readouterr().err.count(f"examples kept in {tmp_path}/data/examples/") == 1


def test_a_training_without_validation_examples_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    result = FitResult(tmp_path / "best", 2, 1.0, {}, Ended.STEPS)
    monkeypatch.setattr("selfgrasp.rollout.train.train", lambda _: result)
    run(TrainJob("supersizing", (tmp_path,), tmp_path / "run"))
    assert "no validation examples: the last weights" in capsys.readouterr().out


def test_a_budget_is_in_steps_or_in_epochs(tmp_path: Path):
    job = TrainJob("supersizing", (tmp_path,), tmp_path / "run", epochs=2, steps=9)
    with pytest.raises(InputError, match="--epochs 2 and --steps 9; wanted: one of them"):
        train(job)
    with pytest.raises(InputError, match="--steps 0; wanted: at least 1"):
        train(replace(job, epochs=None, steps=0))
