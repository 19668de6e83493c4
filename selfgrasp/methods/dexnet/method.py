"""Mahler et al., "Dex-Net 2.0: deep learning to plan robust grasps with synthetic point clouds and
analytic grasp metrics", RSS 2017, as a Method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core import Action, Context, Grasp, Plan, Policy, draw
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down, yaw_of
from selfgrasp.learn import (
    Batch,
    Examples,
    FitConfig,
    Loss,
    Method,
    Optimizer,
    Schedule,
    Source,
    Split,
    evaluating,
)
from selfgrasp.methods.dexnet.config import DexNetConfig, Planner, Ranking, Trunk
from selfgrasp.methods.dexnet.examples import batch_of, gather
from selfgrasp.methods.dexnet.network import QualityNetwork
from selfgrasp.methods.dexnet.planners import cem, dense, rank
from selfgrasp.methods.dexnet.scene import Poses, Scene
from selfgrasp.vision import diverse

_SEPARATION = 0.015
"""m between two candidates of a plan, unless their angles differ by more than 40 deg."""
_ROBUST = 0.5
"""Probability from which on a grasp is called robust."""
_PLANNERS = {Planner.RANK: rank, Planner.CEM: cem, Planner.DENSE: dense}


class DexNet(Method):
    """Predicts from a depth crop whether a grasp is robust, and does the best that it finds."""

    name = "dexnet"
    reads_labels = ("closure", "epsilon", "free", "held", "resist")
    reads_candidates = True
    trained_distances = (0.60, 0.85)
    """m from the table, of the cameras of `selfgrasp candidates`."""
    trained_tilt = 20.0
    """Degrees off straight down, likewise."""

    def __init__(self, config: DexNetConfig) -> None:
        super().__init__()
        self.config: DexNetConfig = config
        self.network = QualityNetwork(config)

    def recipe(self, *, round: int = 0) -> FitConfig:
        """The published one: momentum 0.9 and 25 epochs at a rate that decays; the compact network:
        AdamW and a cosine."""
        if self.config.trunk is Trunk.PUBLISHED:
            return FitConfig(
                epochs=25,
                batch=64,
                optimizer=Optimizer.SGD,
                learning_rate=0.01,
                schedule=Schedule.COSINE,
                weight_decay=5e-4,
            )
        return FitConfig(epochs=6, batch=256, learning_rate=2e-3)

    @property
    def examples_key(self) -> list[object]:
        """Examples are rows and whether outputs should say yes."""
        return [[one.label, one.above] for one in self.config.outputs]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather`."""
        return gather(source, split, self.config)

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `examples.batch_of`."""
        return batch_of(examples, indices, self.config, rng, augment=augment)

    def loss(self, batch: Batch) -> Loss:
        """Cross entropy, the mean over outputs."""
        logits_BT = self.network(batch["picture"], batch["gripper"])
        value = F.binary_cross_entropy_with_logits(logits_BT, batch["truth"])
        first, truth = logits_BT.detach()[:, 0], batch["truth"][:, 0]
        right = ((first > 0) == (truth > 0.5)).float().mean()
        return Loss(value, {"accuracy": right, "robust": truth.mean()})

    def plan(self, context: Context) -> Plan:
        """The best of the grasps that the config's planner proposes, and the map "quality". A score
        is the probability of a robust grasp."""
        with evaluating(self):
            scene = Scene.of(context, self.network, self.config)
            if isinstance(scene, str):
                return Plan.nothing(scene)
            found = _PLANNERS[self.config.planner](scene, context.rng())
        grasps, poses = found.grasps, found.grasps.poses
        if not len(poses):
            return Plan.nothing("nothing that fits between the fingers lies in the workspace")
        best = diverse(
            poses.xy, poses.yaw, grasps.values, most=self.config.candidates, separation=_SEPARATION
        )
        chosen = poses.take(best)
        opening = scene.openings(chosen)
        pick = draw(grasps.values[best], self.config.temperature, context.rng())
        return Plan(
            tuple(
                Grasp(top_down((*chosen.xy[i], chosen.z[i]), float(chosen.yaw[i])), opening[i])
                for i in range(len(chosen))
            ),
            grasps.robust[best],
            calibrated=True,
            chosen=pick.index,
            probability=pick.probability,
            maps={"quality": scene.heat(found.shown)},
        )

    def score(self, context: Context, actions: Sequence[Action]) -> FloatArray:
        """(N,) probability that each is robust; 0 for what is no grasp."""
        probabilities = np.zeros(len(actions))
        grasps = [(i, a.world_from_tool) for i, a in enumerate(actions) if isinstance(a, Grasp)]
        with evaluating(self):
            scene = Scene.of(context, self.network, self.config)
            if isinstance(scene, str) or not grasps:
                return probabilities
            tools = np.stack([tool for _, tool in grasps])
            poses = Poses(
                tools[:, :2, 3], np.array([yaw_of(tool) for tool in tools]), tools[:, 2, 3]
            )
            probabilities[[i for i, _ in grasps]] = scene.judge(poses, mirrored=True).robust
        return probabilities

    def variants(self) -> Mapping[str, Policy]:
        """rank, cem, dense: plans by that planner. robust: refuses where no grasp is robust."""
        kinds = [
            kind
            for kind in Planner
            if kind is not Planner.DENSE or self.config.trunk is Trunk.COMPACT
        ]
        planners = {str(kind): self._with(planner=kind) for kind in kinds}
        return {
            **super().variants(),
            **planners,
            "robust": _Refusing(self._with(ranking=Ranking.FIRST)),
        }

    def _with(self, **changes: Any) -> DexNet:
        """The same network, planning with another config."""
        other = copy(self)
        other.config = replace(self.config, **changes)
        return other


@dataclass(frozen=True)
class _Refusing:
    """The method, which does the most probably robust grasp, and none that is probably not."""

    method: DexNet

    @property
    def name(self) -> str:
        return f"{self.method.name}-robust"

    @property
    def privileged(self) -> tuple[str, ...]:
        return self.method.privileged

    def plan(self, context: Context) -> Plan:
        """The method's plan, or none."""
        plan = self.method.plan(context)
        if not plan.actions:
            return plan
        best = float(plan.scores.max())
        if best <= _ROBUST:
            return Plan.nothing(f"nothing here is robust: the best has a probability of {best:.2f}")
        return replace(plan, chosen=int(plan.scores.argmax()), probability=1.0)


METHOD = DexNet
