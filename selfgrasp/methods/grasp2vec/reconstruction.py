"""The autoencoder that Grasp2Vec is compared with (Jang et al. 2018, table 2, row 5): the same
towers learn to say in a vector what a picture looks like, and nothing of what was taken away.

B pictures, D numbers of a vector, S side of pictures in px.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from selfgrasp.learn import Batch, Loss
from selfgrasp.methods.grasp2vec.config import Grasp2VecConfig
from selfgrasp.methods.grasp2vec.network import Tower, pooled
from selfgrasp.methods.grasp2vec.triplets import tower_maps
from selfgrasp.servo.network import convolution

SIDE = 32
"""px of a reconstructed picture."""
_CHANNELS = (128, 64, 32, 24)
"""Of the maps of 4, 8, 16 and 32 px."""


class Decoder(nn.Module):
    """Vectors to small pictures. Scenes and what was held share it: a number then says the same of
    both.

    Args:
        numbers: D.
    """

    def __init__(self, numbers: int) -> None:
        super().__init__()
        first, last = _CHANNELS[0], _CHANNELS[-1]
        layers: list[nn.Module] = [
            nn.Linear(numbers, first * 4 * 4),
            nn.Unflatten(1, (first, 4, 4)),
        ]
        for before, after in pairwise(_CHANNELS):
            layers += [nn.Upsample(scale_factor=2), convolution(before, after, 1)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(last, 3, 3, 1, 1))

    def forward(self, vectors_BD: torch.Tensor) -> torch.Tensor:
        """(B, 3, `SIDE`, `SIDE`), values from about -1 to 1."""
        out: torch.Tensor = self.layers(vectors_BD)
        return out


def reconstruction_loss(
    scene: Tower, held: Tower | None, decoder: Decoder, batch: Batch, config: Grasp2VecConfig
) -> Loss:
    """The mean squared errors of pictures that were reconstructed from their vectors, of scenes and
    of what was held.

    Args:
        scene: the tower for pictures of the bin.
        held: the tower for pictures of objects; None where it is the same one.
        decoder: of both.
        batch: of `examples.triplet_batch`.
        config: of the method.
    """
    scenes = torch.cat([batch["before"], batch["after"]])
    vectors = torch.cat([pooled(found) for found in tower_maps(scene, held, batch, config)])
    # Together, so that one batch normalisation sees both.
    reconstructed = decoder(vectors).float()
    scene_error, held_error = (
        F.mse_loss(some, F.adaptive_avg_pool2d(pictures, SIDE))
        for some, pictures in (
            (reconstructed[: len(scenes)], scenes),
            (reconstructed[len(scenes) :], batch["held"]),
        )
    )
    metrics = {"scene_error": scene_error, "held_error": held_error}
    return Loss(scene_error + held_error, {name: m.detach() for name, m in metrics.items()})
