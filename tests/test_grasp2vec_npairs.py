"""The n-pairs loss on hand-worked numbers, and in a world where the answer is known."""

from math import log

import numpy as np
import pytest
import torch

from selfgrasp.methods.grasp2vec.npairs import (
    labels_with_failures,
    npairs,
    npairs_both_ways,
    response_loss,
    retrieved,
)

ANCHORS = torch.tensor([[1.0, 1.0], [0.0, 2.0]])
POSITIVES = torch.tensor([[log(3), 0.0], [0.0, log(2)]])
"""Inner products: log 3 and log 2 of the first anchor, 0 and log 4 of the second."""
NORMS = 2 + 4 + log(3) ** 2 + log(2) ** 2
FORWARD = (log(5 / 3) + log(5 / 4)) / 2
"""3 of 3 + 2, and 4 of 1 + 4."""
BACKWARD = (log(4 / 3) + log(6 / 4)) / 2
"""3 of 3 + 1, and 4 of 2 + 4."""


def test_each_anchor_pays_the_cross_entropy_of_its_own_positive_and_the_norms():
    bare = npairs(ANCHORS, POSITIVES, regularization=0.0)
    assert bare.item() == pytest.approx(FORWARD)
    regular = npairs(ANCHORS, POSITIVES, regularization=0.0005)
    assert regular.item() == pytest.approx(FORWARD + 0.0005 * NORMS / 2)


def test_cosines_are_scaled_and_norms_cost_nothing():
    scaled = npairs(5 * ANCHORS, POSITIVES, regularization=1.0, scale=torch.tensor(log(9)))
    # Cosines: 1 / sqrt 2 of the first anchor with both; 0 and 1 of the second.
    assert scaled.item() == pytest.approx((log(2) + log(10 / 9)) / 2)


def test_both_orders_are_added_and_differ():
    both = npairs_both_ways(ANCHORS, POSITIVES, regularization=0.0005)
    assert both.item() == pytest.approx(FORWARD + BACKWARD + 0.0005 * NORMS)
    assert abs(FORWARD - BACKWARD) > 0.01


def test_those_of_one_label_share_the_wanted_probability():
    shared = npairs(ANCHORS, POSITIVES, regularization=0.0, labels_B=torch.tensor([7, 7]))
    # Half of log(5 / 3) and half of log(5 / 2); half of log 5 and half of log(5 / 4).
    rows = [(log(5 / 3) + log(5 / 2)) / 2, (log(5) + log(5 / 4)) / 2]
    assert shared.item() == pytest.approx(sum(rows) / 2)


def test_failures_share_one_label_and_successes_have_their_own():
    labels = labels_with_failures(torch.tensor([1.0, 0.0, 1.0, 0.0])).tolist()
    assert labels[1] == labels[3]
    assert len({labels[0], labels[1], labels[2]}) == 3


def test_labels_do_what_the_published_test_says_of_them():
    """Research code of tensor2robot, losses_test.py: nothing changes where all succeeded; where two
    that are alike failed, sharing a label costs more than not."""
    rng = np.random.default_rng(0)
    a, b, c = rng.random(16), rng.random(16) / 10, rng.random(16)
    vectors = torch.tensor(np.stack([a + b, a, c]))

    def loss(grasped: list[int] | None) -> float:
        labels = None if grasped is None else labels_with_failures(torch.tensor(grasped))
        return npairs_both_ways(vectors, vectors, regularization=0.0005, labels_B=labels).item()

    assert loss([1, 1, 1]) == pytest.approx(loss(None))
    assert loss([0, 0, 1]) > loss(None)


def test_a_response_that_vanishes_with_the_object_is_worth_one():
    held = torch.tensor([[2.0, 0.0]])
    before = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).T.reshape(1, 2, 1, 2)
    after = torch.tensor([[0.0, 5.0], [0.0, 1.0]]).T.reshape(1, 2, 1, 2)
    assert response_loss(before, after, held).item() == pytest.approx(-1.0)
    assert response_loss(10 * before, before, held).item() == pytest.approx(0.0)


def test_retrieved_are_those_whose_own_is_the_best():
    assert retrieved(ANCHORS, POSITIVES).tolist() == [True, True]
    assert retrieved(ANCHORS, POSITIVES.flip(0)).tolist() == [False, False]


OBJECTS, PLACES = 12, 16


def bags(rng: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scenes of six objects out of twelve at random places, one-hot at each; the same scenes with
    one object less, all of it moved; and which one is gone."""
    before = np.zeros((count, PLACES, OBJECTS), np.float32)
    after = np.zeros_like(before)
    gone = np.zeros(count, np.int64)
    for row in range(count):
        there = rng.permutation(OBJECTS)[:6]
        before[row, rng.permutation(PLACES)[:6], there] = 1
        after[row, rng.permutation(PLACES)[:5], there[1:]] = 1
        gone[row] = there[0]
    return torch.from_numpy(before), torch.from_numpy(after), torch.from_numpy(gone)


def test_bags_of_objects_are_learned_by_differences_alone():
    """A linear map of places, rectified and averaged, learns the arithmetic: differences of unseen
    bags retrieve the object, and the heat's peak is where it lies."""
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        scene, held = torch.nn.Linear(OBJECTS, 24), torch.nn.Linear(OBJECTS, 24)
    # The object in the hand looks otherwise than in the bin.
    looks = torch.eye(OBJECTS)[rng.permutation(OBJECTS)]
    weights = [*scene.parameters(), *held.parameters()]
    optimizer = torch.optim.Adam(weights, lr=0.03)
    for _ in range(150):
        before, after, gone = bags(rng, 16)
        differences = (scene(before).relu() - scene(after).relu()).mean(dim=1)
        loss = npairs_both_ways(differences, held(looks[gone]).relu(), regularization=0.0005)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    before, after, gone = bags(np.random.default_rng(1), 100)
    differences = (scene(before).relu() - scene(after).relu()).mean(dim=1)
    vectors = held(looks).relu()
    assert ((differences @ vectors.T).argmax(dim=1) == gone).float().mean() > 0.97
    heat = (scene(before).relu() * vectors[gone][:, None]).sum(dim=2)
    lies = before[torch.arange(100), :, gone].argmax(dim=1)
    assert (heat.argmax(dim=1) == lies).float().mean() > 0.97
