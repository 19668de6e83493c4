"""A method that learns from candidates: examples are row numbers, crops are cut by the batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers_attempts import make_session
from numpy.typing import NDArray
from test_candidates import make_candidates

from selfgrasp.codec import session_key
from selfgrasp.core import Context, InputError, Plan
from selfgrasp.dataset import DatasetWriter
from selfgrasp.learn import Batch, Examples, FitConfig, Loss, Method, Source, Split, fit
from selfgrasp.learn.gathered import data_of
from selfgrasp.vision.grasp_crops import grasp_crops


@dataclass(frozen=True)
class Config:
    """Nothing to choose."""


class Deep(Method):
    """Tells from a crop of 8 px whether there is depth beneath the gripper."""

    name = "deep"
    reads_labels = ("deep",)
    reads_candidates = True

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.linear = torch.nn.Linear(64, 1)

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        candidates = source.candidates(split, self.reads_labels)
        deep, rows = candidates.labels["deep"], np.arange(len(candidates))
        return Examples({"row": rows, "deep": deep}, np.ones(len(rows), np.float32), candidates)

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        assert examples.candidates is not None
        candidates = examples.candidates.read(examples["row"][indices])
        crops = np.nan_to_num(grasp_crops(candidates, size=0.04, pixels=8).depth)
        return {
            "crop": torch.from_numpy(crops.reshape(-1, 64) - 0.6) * 20,
            "deep": torch.from_numpy(candidates.labels["deep"].copy()),
        }

    def loss(self, batch: Batch) -> Loss:
        logits = self.linear(batch["crop"])[:, 0]
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch["deep"])
        right = ((logits > 0) == (batch["deep"] > 0.5)).float().mean()
        return Loss(value, {"right": right.detach()})

    def plan(self, context: Context) -> Plan:
        return Plan.nothing("it only learns")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Candidates of 20 objects; what lies beneath half of them is deeper."""
    path, session = tmp_path_factory.mktemp("candidates"), make_session()
    with DatasetWriter.create_or_open(path, session) as writer:
        for shard in range(20):
            rng = np.random.default_rng(shard)
            made = make_candidates(rng, views=10, each=4, object=f"object{shard}")
            deep = np.arange(10) % 2
            depth = made.depth * 0.1 + (0.5 + 0.08 * deep)[:, None, None].astype(np.float32)
            labels: dict[str, Any] = {"deep": deep[made.view].astype(np.float32)}
            labels["truth.other"] = labels["deep"]
            writer.append_candidates(
                session_key(session), {shard: replace(made, depth=depth, labels=labels)}
            )
    return path


def test_training_on_candidates_learns_and_reads_by_the_batch(folder, tmp_path):
    data = data_of(Deep(Config()), [folder])
    assert len(data.train) + len(data.validation) <= 800
    assert {*data.train.columns} == {"row", "deep"}
    method = Deep(Config())
    fit(method, data.train, data.validation, FitConfig(epochs=20, batch=64, seed=0), tmp_path)
    batch = method.batch(
        data.validation, np.arange(len(data.validation)), np.random.default_rng(0), augment=False
    )
    assert method.loss(batch).metrics["right"] > 0.95


def test_the_first_so_many_and_the_identity_of_the_data(folder):
    method = Deep(Config())
    few = data_of(method, [folder], first=40)
    assert (len(few.train), len(few.validation)) == (40, 5)
    same, whole = data_of(method, [folder], first=40), data_of(method, [folder])
    assert few.identity.fingerprint == same.identity.fingerprint != whole.identity.fingerprint
    assert whole.identity.missing(few.identity.attempts) == 0
    with pytest.raises(InputError, match="2 datasets of candidates; wanted: one"):
        data_of(method, [folder, folder])


def test_an_undeclared_label_of_candidates_cannot_be_read(folder):
    class Sly(Deep):
        name = "sly"

        def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
            candidates = source.candidates(split, ("deep", "truth.other"))
            return Examples({"row": np.arange(len(candidates))}, np.ones(len(candidates)))

    with pytest.raises(InputError, match=r"label 'truth.other' read by sly.*declared: deep"):
        data_of(Sly(Config()), [folder])
