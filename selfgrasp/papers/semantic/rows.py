"""The rows of Jang et al. 2017, table 2: what is trained for each, and what it learns from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A row of Jang et al. 2017, table 2.

    Attributes:
        name: of the run.
        title: the paper's.
        method: what is trained, with its preset.
        auxiliary: whether auxiliary grasps, of other objects, teach, too.
        test_pictures: whether presented pictures of the test objects do (S2).
        paper: objects/attempts and class/attempts, training objects and unseen ones.
    """

    name: str
    title: str
    method: str
    paper: tuple[float, float, float, float]
    auxiliary: bool = False
    test_pictures: bool = False


ROWS = (
    # Played by another row's network that has it, told to hold anything: with as many motions and
    # as wide a search as all.
    Row("dorsal", "dorsal only", "hand_eye:small", (0.735, 0.153, 0.731, 0.126), auxiliary=True),
    Row("box", "bounding box", "semantic:box", (0.539, 0.224, 0.597, 0.193)),
    Row("single", "single stream", "semantic:single", (0.267, 0.169, 0.243, 0.153)),
    Row("branches", "two branches", "semantic:branches", (0.503, 0.330, 0.430, 0.233)),
    Row(
        "branches-aux-s1",
        "two branches + aux grasp data + S1",
        "semantic:branches_pictures",
        (0.520, 0.317, 0.497, 0.296),
        auxiliary=True,
    ),
    Row("separated", "separated", "semantic:small", (0.517, 0.318, 0.610, 0.250)),
    Row(
        "separated-aux",
        "separated + aux grasp data",
        "semantic:small",
        (0.625, 0.348, 0.564, 0.305),
        auxiliary=True,
    ),
    Row("attention", "separated + attention", "semantic:attention", (0.486, 0.319, 0.621, 0.321)),
    Row(
        "attention-aux",
        "separated + attention + aux grasp data",
        "semantic:attention",
        (0.511, 0.342, 0.630, 0.354),
        auxiliary=True,
    ),
    Row(
        "attention-aux-s1",
        "separated + attention + aux grasp data + S1",
        "semantic:attention_pictures",
        (0.620, 0.412, 0.669, 0.318),
        auxiliary=True,
    ),
    Row(
        "attention-aux-s2",
        "separated + attention + aux grasp data + S2",
        "semantic:attention",
        (0.640, 0.460, 0.617, 0.390),
        auxiliary=True,
        test_pictures=True,
    ),
)


PROPAGATOR = "classifier"
"""Name of the run whose answers become labels."""


DORSAL, BOX, SINGLE = ROWS[:3]
