"""The autoencoder that Grasp2Vec is compared with, and trainings that need another one's towers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from selfgrasp.core import InputError
from selfgrasp.learn import Batch, load_into, save
from selfgrasp.methods import registry
from selfgrasp.methods.grasp2vec.config import (
    CropConfig,
    GoalConfig,
    Grasp2VecConfig,
    Objective,
    TowerConfig,
    autoencoder,
    small,
)
from selfgrasp.methods.grasp2vec.method import Grasp2Vec
from selfgrasp.papers import steps
from selfgrasp.papers.grasp2vec.sizes import Sizes
from selfgrasp.papers.grasp2vec.train import train_goals, train_towers
from selfgrasp.papers.jobs import ReproduceJob
from selfgrasp.papers.registry import reproduction_named
from selfgrasp.papers.reproduce import work_of
from selfgrasp.rollout.jobs import TrainJob
from selfgrasp.rollout.train import train

torch.set_num_threads(1)
TINY = Grasp2VecConfig(
    tower=TowerConfig(stem=8, units=(1, 1), channels=(16, 32), strides=(1, 2), squeeze=2),
    scene=CropConfig(48, 52, 0.06),
    held=CropConfig(32, 36, 0.16),
    objective=Objective.RECONSTRUCTION,
)


def built(config: Grasp2VecConfig = TINY) -> Grasp2Vec:
    method = registry.build("grasp2vec", config=config)
    assert isinstance(method, Grasp2Vec)
    return method


def quartered(count: int, side: int, seed: int) -> torch.Tensor:
    """Pictures whose quarters have colors of their own."""
    colors = torch.rand(count, 3, 2, 2, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(colors, size=side)


def eight() -> Batch:
    """A batch of triplets."""
    return {
        "before": quartered(8, 48, 0),
        "after": quartered(8, 48, 1),
        "held": quartered(8, 32, 2),
        "grasped": torch.ones(8),
    }


def test_eight_triplets_are_reconstructed_from_their_vectors() -> None:
    torch.manual_seed(0)
    method, batch = built(), eight()
    # One color for all pictures would leave the variance of uniform colors.
    enough = 0.3 * (1 / 3)
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    method.train()
    for _ in range(60):
        loss = method.loss(batch)
        if max(loss.metrics.values()) < enough:
            break
        optimizer.zero_grad()
        loss.value.backward()
        optimizer.step()
    assert max(loss.metrics.values()) < enough


def test_one_tower_can_reconstruct_both() -> None:
    method = built(replace(TINY, tied=True, held=TINY.scene))
    loss = method.loss(eight() | {"held": quartered(8, 48, 2)})
    assert loss.metrics.keys() == {"scene_error", "held_error"}
    loss.value.backward()
    assert all(weights.grad is not None for weights in method.scene.parameters())


def test_the_goal_conditioned_network_takes_its_towers_and_leaves_the_decoder(
    tmp_path: Path,
) -> None:
    trained = built()
    save(tmp_path / "run.safetensors", trained)
    again = registry.build("grasp2vec", config=TINY, seed=1)
    load_into(tmp_path / "run.safetensors", again)
    for mine, theirs in zip(again.parameters(), trained.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    method = built(replace(TINY, objective=Objective.NPAIRS, goal=GoalConfig()))
    method.load_trunk(tmp_path / "run.safetensors")
    for mine, theirs in zip(method.scene.parameters(), trained.scene.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert method.decoder is None


def test_it_learns_from_the_examples_of_small() -> None:
    one, other = built(small()), built(autoencoder())
    assert one.examples_key == other.examples_key
    assert one.recipe() == other.recipe()
    assert one.decoder is None
    assert other.decoder is not None


@pytest.mark.parametrize("changes", [{"failures": True}, {"response_weight": 1.0}])
def test_parts_of_the_other_loss_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="objective npairs, which they belong to"):
        replace(TINY, **changes)


def jobs_of(
    monkeypatch: pytest.MonkeyPatch, out: Path, preset: str = "small"
) -> dict[str, TrainJob]:
    """The trainings of the reproduction, by the names of their folders."""
    found: list[TrainJob] = []
    monkeypatch.setattr(steps, "train_all", lambda work, jobs: found.extend(jobs))
    args = ReproduceJob("grasp2vec", out, preset=preset)
    work: Any = work_of(args, reproduction_named("grasp2vec"))
    train_towers(work)
    train_goals(work)
    return {job.out.name: job for job in found}


def test_the_autoencoders_row_learns_from_its_vectors_and_the_others_from_grasp2vecs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_of(monkeypatch, tmp_path)
    row, towers = jobs["goal_autoencoder-0"], jobs["autoencoder-0"]
    first = str(towers.out.parent / "judge_first-0")
    assert (towers.method, towers.trunk) == ("grasp2vec:autoencoder", first)
    over = str(tmp_path / "towers-autoencoder-0.safetensors")
    assert (row.method, row.trunk) == ("grasp2vec:goal_similarity", over)
    assert "autoencoder-1" not in jobs
    others = {n: job for n, job in jobs.items() if n.startswith("goal") and job is not row}
    assert {f"goal-{seed}" for seed in range(3)} < others.keys()
    for name, job in others.items():
        seed = name.rpartition("-")[2]
        assert (job.seed, job.trunk) == (
            int(seed),
            str(tmp_path / f"towers-small-{seed}.safetensors"),
        )
    assert {"autoencoder", "goal_autoencoder"} <= {*Sizes().towers, *Sizes().rows}


def test_rows_over_towers_that_are_not_trained_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "goal_autoencoder-0" not in jobs_of(monkeypatch, tmp_path, "paper")


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_rows_are_of_the_size_of_the_towers_that_they_are_trained_over(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = jobs_of(monkeypatch, tmp_path, preset)
    rows = [job for name, job in jobs.items() if name.startswith("goal")]
    assert len(rows) > 4
    for row in rows:
        towers = "autoencoder-0" if "autoencoder" in str(row.trunk) else "small-0"
        config, over = (registry.config_of(one.method) for one in (row, jobs[towers]))
        assert (config.tower, config.scene, config.held) == (over.tower, over.scene, over.held)
        assert config.goal is not None


def test_a_goal_conditioned_network_over_random_towers_is_refused(tmp_path: Path) -> None:
    job = TrainJob("grasp2vec:goal_similarity", (tmp_path / "none",), tmp_path / "run")
    with pytest.raises(
        InputError, match=r"without --trunk.*wanted: --trunk RUN.*exists: selfgrasp train grasp2vec"
    ):
        train(job)


def test_towers_that_learn_beside_random_networks_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="none"):
        train(TrainJob("grasp2vec", (tmp_path / "none",), tmp_path / "run"))
    assert "without --trunk hand_eye learns vectors, but cannot grasp" in capsys.readouterr().err
