"""A logistic regression on how deep a grasp reaches."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from outside_grasp.poke.config import PokeConfig
from selfgrasp.core import Context, Grasp, Plan
from selfgrasp.learn import Batch, Examples, FitConfig, Loss, Method, Source, Split, evaluating
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.methods.baselines.random import RandomConfig


class Poke(Method):
    """The chance that a grasp holds, from the height of its fingertips."""

    name = "poke"
    reads_labels = ("truth.grasped",)

    def __init__(self, config: PokeConfig) -> None:
        super().__init__()
        self.config = config
        self.linear = torch.nn.Linear(1, 1)

    def recipe(self, *, round: int = 0) -> FitConfig:
        return FitConfig(epochs=2)

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        tried = [
            (attempt.steps[-1].action.world_from_tool[2, 3], attempt.outcome.grasped)
            for attempt in source.attempts(split)
            if attempt.steps and isinstance(attempt.steps[-1].action, Grasp)
        ]
        return Examples(
            {
                "height": np.array([height for height, _ in tried], np.float32),
                "grasped": np.array([grasped for _, grasped in tried], np.float32),
            },
            np.ones(len(tried), np.float32),
        )

    def batch(self, examples, indices, rng, *, augment: bool) -> Batch:
        return {name: torch.from_numpy(examples[name][indices]) for name in ("height", "grasped")}

    def loss(self, batch: Batch) -> Loss:
        logits = self.linear(100 * batch["height"][:, None])[:, 0]
        return Loss(F.binary_cross_entropy_with_logits(logits, batch["grasped"]))

    def score(self, context: Context, actions) -> np.ndarray:
        heights = torch.tensor([[100 * a.world_from_tool[2, 3]] for a in actions])
        with evaluating(self):
            return self.linear(heights.float()).sigmoid()[:, 0].double().cpu().numpy()

    def plan(self, context: Context) -> Plan:
        plan = RandomPolicy(RandomConfig(candidates=self.config.candidates)).plan(context)
        if not plan.actions:
            return plan
        return replace(plan, scores=self.score(context, plan.actions), calibrated=True, chosen=None)


METHOD = Poke
