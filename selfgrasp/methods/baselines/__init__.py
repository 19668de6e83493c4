"""Policies that learn nothing: random grasps on what is not table, random servoing, and a depth
heuristic. Every learned method is compared with them."""

from selfgrasp.methods.baselines.heuristic import HeuristicConfig, HeuristicPolicy
from selfgrasp.methods.baselines.random import RandomConfig, RandomPolicy
from selfgrasp.methods.baselines.random_servo import RandomServoConfig, RandomServoPolicy

__all__ = [
    "HeuristicConfig",
    "HeuristicPolicy",
    "RandomConfig",
    "RandomPolicy",
    "RandomServoConfig",
    "RandomServoPolicy",
]
