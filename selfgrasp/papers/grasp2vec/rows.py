"""The trainings of Jang et al. 2018, tables 1 and 2: what is learned, over which towers."""

from __future__ import annotations

from dataclasses import dataclass

METHOD = "grasp2vec"


@dataclass(frozen=True)
class Towers:
    """Two towers.

    Attributes:
        name: of the run, and of the method's preset.
        title: in tables.
        every_seed: whether they are trained on all seeds.
    """

    name: str
    title: str
    every_seed: bool = False


@dataclass(frozen=True)
class Row:
    """A row of table 2.

    Attributes:
        name: of the run; of `anything` and `near` none is trained.
        title: the paper's.
        paper: success with seen and with unseen objects.
        preset: of the method, where it is not the name.
        towers: whose vectors it learns from.
    """

    name: str
    title: str
    paper: tuple[float, float] | None = None
    preset: str = ""
    towers: str = "small"


TOWERS = (
    Towers("small", "Grasp2Vec", every_seed=True),
    Towers("windows", "what changed alone", every_seed=True),
    Towers("tied", "one tower for scenes and objects"),
    Towers("failures", "failed grasps as one label"),
    Towers("responses", "with the largest responses"),
    Towers("autoencoder", "autoencoder"),
)
UNLEARNED = ("untrained", "color_histogram")
"""Rows of the embedding protocol that learn nothing."""
ANYTHING = Row("anything", "indiscriminate grasping", (0.183, 0.219))
NEAR = Row("near", "localise and grasp")
SHIPPED = Row("goal_embedded", "PL + ES, conditioned on the vector", (0.784, 0.454))
"""What goes with the package: its networks are the towers."""
ROWS = (
    ANYTHING,
    Row("goal_truth", "oracle labels", (0.839, 0.437)),
    Row("goal_posthoc", "PL", (0.504, 0.411)),
    Row("goal_posthoc_auxiliary", "PL + Aux(0)", (0.221, 0.190)),
    Row(
        "goal_autoencoder",
        "PL + ES (autoencoder)",
        (0.187, 0.209),
        preset="goal_similarity",
        towers="autoencoder",
    ),
    Row("goal_similarity", "PL + ES", (0.801, 0.539)),
    Row("goal", "PL + Aux + ES", (0.780, 0.589)),
    SHIPPED,
    NEAR,
)
COMPOSITE = (0.519, 0.429)
"""Of two goals at once, with seen and with unseen objects."""
FETCHED, AIM = (0.808, 0.629), (0.88, 0.75)
"""Of section 5.3, on robots, with training and test objects, and what this project aims at."""
RETRIEVAL, LOCALIZATION = (0.88, 0.64), (0.96, 0.77)
"""Of table 1, in simulation."""
