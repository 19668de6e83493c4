"""What the towers learn of a batch of triplets (Jang et al. 2018, section 3).

B triplets, D numbers of a vector, H and W places of a map.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

from selfgrasp.learn import Batch, Loss
from selfgrasp.methods.grasp2vec.config import Grasp2VecConfig
from selfgrasp.methods.grasp2vec.network import Tower, pooled
from selfgrasp.methods.grasp2vec.npairs import (
    labels_with_failures,
    npairs_both_ways,
    response_loss,
    retrieved,
)


def triplet_loss(
    scene: Tower,
    held: Tower | None,
    batch: Batch,
    config: Grasp2VecConfig,
    scale: torch.Tensor | None,
) -> Loss:
    """The n-pairs loss in both orders, of the whole vectors and, where these have colors, also of
    the convolutions' part; and `response_loss` where the config weighs it.

    Args:
        scene: the tower for pictures of the bin.
        held: the tower for pictures of objects; None where it is the same one.
        batch: of `examples.triplet_batch`.
        config: of the method.
        scale: see `npairs`.
    """
    grasped = batch["grasped"] > 0
    scene_maps, held_maps = tower_maps(scene, held, batch, config)
    before, after = scene_maps.chunk(2)
    differences, vectors = pooled(before) - pooled(after), pooled(held_maps)
    if config.failures:
        # No picture shows an empty hand: the vector of nothing is zero.
        vectors = vectors.new_zeros(differences.shape).masked_scatter(grasped[:, None], vectors)
    loss = partial(
        npairs_both_ways,
        regularization=config.regularization,
        scale=scale,
        labels_B=labels_with_failures(batch["grasped"]) if config.failures else None,
    )
    value = loss(differences, vectors)
    if config.tower.color_levels:
        # Colors explain most of a batch: beside them alone, convolutions learned nothing.
        convolved = config.tower.channels[-1]
        value = value + loss(differences[:, :convolved], vectors[:, :convolved])
    found = (differences[grasped], vectors[grasped])
    if scale is not None:
        found = (F.normalize(found[0], dim=1), F.normalize(found[1], dim=1))
    metrics = {"npairs": value, **_retrieval(*found)}
    if config.response_weight and bool(grasped.any()):
        response = response_loss(before.float()[grasped], after.float()[grasped], vectors[grasped])
        metrics["response_loss"] = response
        value = value + config.response_weight * response
    return Loss(value, {name: metric.detach() for name, metric in metrics.items()})


def tower_maps(
    scene: Tower, held: Tower | None, batch: Batch, config: Grasp2VecConfig
) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps (2 B, D, H, W) of the scenes, before and then after, in one batch that is normalised
    alike, and of what was held; arguments as of `triplet_loss`."""
    scenes, shown = torch.cat([batch["before"], batch["after"]]), batch["held"]
    if config.failures:
        shown = shown[batch["grasped"] > 0]
    if held is not None:
        return scene(scenes), held(shown)
    together = scene(torch.cat([scenes, shown]))
    return together[: len(scenes)], together[len(scenes) :]


def _retrieval(differences_BD: torch.Tensor, held_BD: torch.Tensor) -> dict[str, torch.Tensor]:
    """Shares of a batch that find their own among all of it, both ways; nothing of nothing."""
    if not len(held_BD):
        return {}
    return {
        "retrieval": retrieved(differences_BD, held_BD).float().mean(),
        "scene_retrieval": retrieved(held_BD, differences_BD).float().mean(),
    }
