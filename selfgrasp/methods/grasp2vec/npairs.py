"""Losses of Grasp2Vec (Jang et al. 2018, section 3).

B triplets, D numbers of a vector, H and W places of a map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

FIRST_SCALE = 10.0
"""Of cosines, before anything is learned."""


def npairs(
    anchors_BD: torch.Tensor,
    positives_BD: torch.Tensor,
    *,
    regularization: float,
    scale: torch.Tensor | None = None,
    labels_B: torch.Tensor | None = None,
) -> torch.Tensor:
    """() the n-pairs loss of section 3, divided by B so that it does not grow with the batch.

    Each anchor's inner products with all positives are the logits of a softmax, whose cross entropy
    says how sure it is of its own. The squared norms are added.

    Args:
        anchors_BD: a.
        positives_BD: p, of the same triplets.
        regularization: lambda, the weight of |a|^2 + |p|^2.
        scale: () by which cosines are multiplied, that are the logits then, and no norm is added.
            None: inner products, as published.
        labels_B: integers; anchors and positives of one label belong together, and the wanted
            probability is spread evenly over them. None: each anchor belongs to its positive alone.
    """
    if labels_B is None:
        labels_B = torch.arange(len(anchors_BD), device=anchors_BD.device)
    same_BB = (labels_B[:, None] == labels_B).to(anchors_BD.dtype)
    wanted_BB = same_BB / same_BB.sum(dim=1, keepdim=True)
    if scale is not None:
        cosines_BB = F.normalize(anchors_BD, dim=1) @ F.normalize(positives_BD, dim=1).T
        return F.cross_entropy(scale * cosines_BB, wanted_BB)
    entropy = F.cross_entropy(anchors_BD @ positives_BD.T, wanted_BB)
    norms = anchors_BD.square().sum(dim=1) + positives_BD.square().sum(dim=1)
    return entropy + regularization * norms.mean()


def npairs_both_ways(
    differences_BD: torch.Tensor,
    held_BD: torch.Tensor,
    *,
    regularization: float,
    scale: torch.Tensor | None = None,
    labels_B: torch.Tensor | None = None,
) -> torch.Tensor:
    """() the loss of Grasp2Vec: `npairs` with differences of scenes as anchors, and with held
    objects as anchors (section 3, the last equation)."""
    orders = ((differences_BD, held_BD), (held_BD, differences_BD))
    one, other = (
        npairs(anchors, positives, regularization=regularization, scale=scale, labels_B=labels_B)
        for anchors, positives in orders
    )
    return one + other


def labels_with_failures(grasped_B: torch.Tensor) -> torch.Tensor:
    """(B,) labels for `npairs`: one of its own for each success, and one for all failures (the
    published code's multilabel n-pairs, where the first success shares it by accident).

    Args:
        grasped_B: whether something was held.
    """
    own_B = torch.arange(1, len(grasped_B) + 1, device=grasped_B.device)
    return torch.where(grasped_B > 0, own_B, torch.zeros_like(own_B))


def response_loss(
    before_BDHW: torch.Tensor, after_BDHW: torch.Tensor, held_BD: torch.Tensor
) -> torch.Tensor:
    """() mean of the largest response to the held object after the grasp, less the largest before
    it: -1 at best, 0 where nothing is told apart. Responses are cosines at each place (the
    published code's TYloss)."""
    return (largest_response(after_BDHW, held_BD) - largest_response(before_BDHW, held_BD)).mean()


def largest_response(scene_BDHW: torch.Tensor, held_BD: torch.Tensor) -> torch.Tensor:
    """(B,) largest cosine between the held object and a place of the scene."""
    places_BDP = F.normalize(scene_BDHW.flatten(2), dim=1)
    cosines_BP = torch.einsum("bdp,bd->bp", places_BDP, F.normalize(held_BD, dim=1))
    return cosines_BP.amax(dim=1)


def retrieved(anchors_BD: torch.Tensor, positives_BD: torch.Tensor) -> torch.Tensor:
    """(B,) whether an anchor's inner product with its own positive is the largest of the batch."""
    best_B = (anchors_BD @ positives_BD.T).argmax(dim=1)
    return best_B == torch.arange(len(anchors_BD), device=anchors_BD.device)
