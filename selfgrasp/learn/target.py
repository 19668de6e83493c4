"""A target network: a copy that follows slowly, whose values a bootstrapped loss learns from.

Mnih et al. 2015, "Human-level control through deep reinforcement learning", Methods (hard copies);
Lillicrap et al. 2016, "Continuous control with deep reinforcement learning", section 3 (Polyak).
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from selfgrasp.core import InputError


class TargetNetwork(torch.nn.Module):
    """A frozen copy of a network, always in evaluation mode, that follows it in
    `Method.after_step`. As a submodule of a method it lies in the state dict, so a resumed run goes
    on with it.

    Attributes:
        network: the copy.
        every: steps between two updates.
        rate: share of the difference that an update takes over; 1 is a hard copy, less is Polyak
            averaging.
    """

    def __init__(self, network: torch.nn.Module, *, every: int = 1, rate: float = 1.0) -> None:
        super().__init__()
        if every < 1 or not 0 < rate <= 1:
            raise InputError(
                given=f"every = {every}, rate = {rate:g}",
                wanted="every of at least 1, rate above 0 and up to 1",
            )
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.every, self.rate = every, rate

    def forward(self, *inputs: torch.Tensor) -> Any:
        """What the copy gives."""
        return self.network(*inputs)

    def train(self, mode: bool = True) -> TargetNetwork:
        """Stays in evaluation mode, so that statistics of batches do not change it."""
        return super().train(False)

    @torch.no_grad()
    def follow(self, network: torch.nn.Module, step: int) -> None:
        """Take over `rate` of what `network` has learned, where `step` is a multiple of `every`.
        Buffers that are no floats are copied."""
        if step % self.every:
            return
        mine, theirs = self.network.state_dict(), network.state_dict()
        for name, value in mine.items():
            if value.is_floating_point():
                value.lerp_(theirs[name], self.rate)
            else:
                value.copy_(theirs[name])
