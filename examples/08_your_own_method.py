"""Lesson 8: a method of your own. A small network learns from attempts which turned patch of the
height map will hold, and decides by it.

Here it is trained and tried in Python. With `small` in `config.py` and the rest in `method.py` of a
folder under `selfgrasp/methods`, or of a package with an entry point (docs/adding_a_method.md),
every verb takes it: `selfgrasp train patches`, `selfgrasp bench isolated --policy runs/patches`.

Run it:  .venv/bin/python examples/08_your_own_method.py                 (some minutes on two cores)
         .venv/bin/python examples/08_your_own_method.py 60 2
    (attempts to learn from, scenes: too few to learn much)
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.cli import main as selfgrasp
from selfgrasp.core import UNINFORMATIVE_FAULTS, Context, Grasp, Observation, Plan, Policy
from selfgrasp.core.pose import yaw_of
from selfgrasp.core.spec import CellSpec
from selfgrasp.dataset import Dataset
from selfgrasp.learn import (
    Batch,
    DataIdentity,
    DatasetSource,
    Examples,
    FitConfig,
    Loss,
    Method,
    Source,
    Split,
    evaluating,
    fit,
)
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.objects.catalogue import test_objects
from selfgrasp.vision import Heightmap, crop, foreground, grasps_at, heightmap
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.simulated import tabletop


@dataclass(frozen=True)
class PatchesConfig:
    """Sizes. Everything that a network is built from stands here: a checkpoint keeps it.

    Attributes:
        patch: m, the side of what the network sees.
        pixels: px of that side.
        candidates: grasps that `plan` scores.
    """

    patch: float = 0.12
    pixels: int = 32
    candidates: int = 256


def small() -> PatchesConfig:
    """The preset that a method must have."""
    return PatchesConfig()


class Patches(Method):
    """The chance that a grasp holds, from the heights around it."""

    name = "patches"

    def __init__(self, config: PatchesConfig) -> None:
        super().__init__()
        self.config: PatchesConfig = config
        layers: list[torch.nn.Module] = []
        for before, after in ((1, 16), (16, 32), (32, 64)):
            layers += [
                torch.nn.Conv2d(before, after, 3, stride=2, padding=1),
                torch.nn.BatchNorm2d(after),
                torch.nn.ReLU(),
            ]
        self.network = torch.nn.Sequential(
            *layers, torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(256, 1)
        )

    def recipe(self, *, round: int = 0) -> FitConfig:
        """How it is trained."""
        return FitConfig(epochs=30)

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """One pass over the attempts. Columns: height (N, P, P) float16 m above the fingertips;
        grasped (N,) uint8."""
        heights, grasped = [], []
        for attempt in source.attempts(split):
            if (
                attempt.outcome.fault in UNINFORMATIVE_FAULTS
                or not attempt.steps
                or attempt.before is None
            ):
                continue
            tried = attempt.steps[-1].action
            if isinstance(tried, Grasp):
                heights.append(
                    self._heights(self._map(attempt.before, source.spec), [tried])[0].astype(
                        np.float16
                    )
                )
                grasped.append(attempt.outcome.grasped)
        return Examples(
            {"height": np.array(heights, np.float16), "grasped": np.array(grasped, np.uint8)},
            np.ones(len(grasped), np.float32),
        )

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """A parallel gripper does not know left from right, nor front from back: both mirrors of a
        patch have its label."""
        height = examples["height"][indices].astype(np.float32)
        if augment:
            along, across = rng.choice([-1, 1], 2)
            height = np.ascontiguousarray(height[:, ::along, ::across])
        return {
            "height": torch.from_numpy(height)[:, None],
            "grasped": torch.from_numpy(examples["grasped"][indices].astype(np.float32)),
            "weight": torch.from_numpy(examples.weights[indices]),
        }

    def loss(self, batch: Batch) -> Loss:
        """Cross entropy of whether it held."""
        logits = self._logits(batch["height"])
        each = F.binary_cross_entropy_with_logits(logits, batch["grasped"], reduction="none")
        right = ((logits > 0) == (batch["grasped"] > 0)).float().mean()
        return Loss(
            (each * batch["weight"]).sum() / batch["weight"].sum(), {"accuracy": right.detach()}
        )

    def plan(self, context: Context) -> Plan:
        """The best of many random grasps on whatever rises above the table."""
        spec, rng, count = context.spec, context.rng(), self.config.candidates
        seen = self._map(context.observation, spec)
        rows, columns = np.nonzero(foreground(seen, surface=spec.workspace.surface))
        places = seen.world_xy(np.column_stack([columns, rows]) + 0.5)
        places = places[
            [spec.workspace.contains(np.array([*xy, spec.workspace.low[2]])) for xy in places]
        ]
        if not len(places):
            return Plan.nothing("nothing rises above the table")
        grasps = grasps_at(
            seen,
            rng.choice(places, count),
            rng.uniform(-np.pi / 2, np.pi / 2, count),
            spec.gripper,
            spec.workspace,
        )
        with evaluating(self):
            chances = (
                self._logits(torch.from_numpy(self._heights(seen, grasps))[:, None].to(self.device))
                .sigmoid()
                .cpu()
                .numpy()
            )
        best = np.argsort(-chances)[:20]
        return Plan(
            tuple(grasps[i] for i in best), chances[best].astype(np.float64), calibrated=True
        )

    def _map(self, observation: Observation, spec: CellSpec) -> Heightmap:
        return heightmap(
            observation.view(), spec.workspace, margin=self.config.patch, colored=False
        )

    def _heights(
        self, seen: Heightmap, grasps: list[Grasp] | tuple[Grasp, ...]
    ) -> NDArray[np.float32]:
        poses = np.stack([grasp.world_from_tool for grasp in grasps])
        crops = crop(
            seen,
            poses[:, :2, 3],
            np.array([yaw_of(pose) for pose in poses]),
            self.config.patch,
            self.config.pixels,
        )
        above: NDArray[np.float32] = crops.height - poses[:, 2, 3, None, None].astype(np.float32)
        return above

    def _logits(self, height_B1PP: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(height_B1PP.clamp(-0.05, 0.05) / 0.02)[:, 0]
        return logits


METHOD = Patches


def main(attempts: int = 2000, scenes: int = 10) -> int:
    """Collect, train (a second time it goes on where it was), and try five times in each of some
    scenes of objects that no training saw."""
    data = Path(f"datasets/lesson-{attempts}")
    code = selfgrasp(
        [
            "collect",
            "--policy",
            "random",
            "--attempts",
            str(attempts),
            "--attempts-per-scene",
            "5",
            "--out",
            str(data),
        ]
    )
    if code:
        return code
    method = Patches(small())
    with Dataset.open(data) as dataset:
        source = DatasetSource(dataset)
        learned, checked = (
            method.examples(source, split, np.random.default_rng(0))
            for split in ("train", "validation")
        )
        identities = np.concatenate([source.identities(split) for split in ("train", "validation")])
        result = fit(
            method,
            learned,
            checked,
            method.recipe(),
            Path(f"runs/patches-{attempts}"),
            data=DataIdentity(identities),
        )
    print(
        f"{result.steps} steps in {result.seconds:.0f} s; on validation examples: {result.metrics}"
    )
    policies: tuple[Policy, ...] = (RandomPolicy(), method)
    with tabletop(test_objects()).cell as cell:
        for policy in policies:
            held = 0
            for scene in range(scenes):
                cell.reset(scene)
                for index in range(5):
                    outcome = cell.attempt(
                        policy, Ids(session="lesson", scene=scene, index=index)
                    ).attempt.outcome
                    held += outcome.grasped
                    if outcome.grasped:
                        cell.set_aside()
            print(f"{policy.name}: {held} of {5 * scenes} held")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
