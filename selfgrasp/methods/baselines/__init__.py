"""Policies that learn nothing: random grasps on what is not table, random servoing, a depth
heuristic, and image-based grasp quality. Every learned method is compared with them."""

from selfgrasp.methods.baselines.heuristic import HeuristicConfig, HeuristicPolicy
from selfgrasp.methods.baselines.igq import IGQConfig, IGQPolicy
from selfgrasp.methods.baselines.random import RandomConfig, RandomPolicy
from selfgrasp.methods.baselines.random_servo import RandomServoConfig, RandomServoPolicy

__all__ = [
    "HeuristicConfig",
    "HeuristicPolicy",
    "IGQConfig",
    "IGQPolicy",
    "RandomConfig",
    "RandomPolicy",
    "RandomServoConfig",
    "RandomServoPolicy",
]
