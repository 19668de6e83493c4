"""Relabelling: the triples of algorithm 1 of Jang et al. 2018, counted by hand."""

import numpy as np
import pytest

from selfgrasp.core import InputError
from selfgrasp.learn.hindsight import NOTHING, Achieved, Labels, relabelled

# Pictures 0 to 4 show what attempts 0, 1, 3, 4 and 5 held; 9 is a goal from elsewhere. Attempt 2
# held nothing. Attempts 4 and 5 are of another scene.
DONE = Achieved(
    held=np.array([0, 1, NOTHING, 2, 3, 4]),
    asked=np.array([1, 9, 0, NOTHING, NOTHING, NOTHING]),
    scenes=np.array([7, 7, 7, 7, 8, 8]),
)
OBJECTS = {0: "mug", 1: "cup", 2: "mug", 3: "bowl", 4: "bowl", 9: "cup"}


def same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array(
        [float(OBJECTS[i] == OBJECTS[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
    )


def never(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    raise AssertionError("posthoc labels compare nothing")


def triples(labels: Labels, rows: list[int], seed: int = 0) -> set[tuple[int, int, float]]:
    found = relabelled(
        DONE,
        np.array(rows),
        labels,
        same if labels.compares else never,
        np.random.default_rng(seed),
    )
    assert found.rewards.dtype == np.float32
    pairs = zip(found.attempts.tolist(), found.goals.tolist(), found.rewards.tolist(), strict=True)
    listed = list(pairs)
    assert len(set(listed)) == len(listed)
    return set(listed)


def test_posthoc_labels_are_what_was_held_and_what_was_missed() -> None:
    assert triples(Labels.POSTHOC, [0, 1, 2]) == {(0, 0, 1.0), (1, 1, 1.0), (2, 0, 0.0)}


def test_similarity_says_whether_what_was_asked_for_is_what_was_held() -> None:
    assert triples(Labels.SIMILARITY, [0, 1, 2]) == {
        *{(0, 0, 1.0), (1, 1, 1.0), (2, 0, 0.0)},
        # Attempt 0 held a mug and was asked for a cup; attempt 1 held the cup it was asked for.
        *{(0, 1, 0.0), (1, 9, 1.0)},
    }


@pytest.mark.parametrize("seed", range(5))
def test_auxiliary_goals_are_others_of_the_scene(seed: int) -> None:
    missed = triples(Labels.POSTHOC_AUXILIARY, [0], seed)
    # All that was held in the scene, but what attempt 0 held and what it was asked for: picture 2.
    # That it shows a mug, too, is what Aux(0) does not know.
    assert missed == {(0, 0, 1.0), (0, 2, 0.0)}
    assert triples(Labels.SIMILARITY_AUXILIARY, [0], seed) == {
        (0, 0, 1.0),
        (0, 1, 0.0),
        (0, 2, 1.0),
    }


def test_who_was_asked_for_anything_gets_a_goal_of_its_scene() -> None:
    seen = {triple for seed in range(20) for triple in triples(Labels.SIMILARITY, [3], seed)}
    assert seen == {(3, 2, 1.0), (3, 0, 1.0), (3, 1, 0.0)}
    # One other picture: the goal, and none is left for an auxiliary one.
    assert triples(Labels.SIMILARITY_AUXILIARY, [4]) == {(4, 3, 1.0), (4, 4, 1.0)}


def test_an_attempt_without_any_goal_teaches_what_it_held() -> None:
    alone = Achieved(np.array([0, NOTHING]), np.array([NOTHING] * 2), np.array([1, 2]))
    found = relabelled(
        alone, np.array([0, 1]), Labels.SIMILARITY_AUXILIARY, same, np.random.default_rng(0)
    )
    assert (found.attempts.tolist(), found.goals.tolist()) == ([0], [0])


def test_similarities_are_kept_between_0_and_1() -> None:
    found = relabelled(
        DONE,
        np.array([0]),
        Labels.SIMILARITY,
        lambda a, b: np.full(len(a), 1.5) if len(a) else np.zeros(0),
        np.random.default_rng(0),
    )
    assert found.rewards.max() == 1.0


def test_the_same_generator_draws_the_same_goals() -> None:
    assert triples(Labels.SIMILARITY_AUXILIARY, [3, 5], 4) == triples(
        Labels.SIMILARITY_AUXILIARY, [3, 5], 4
    )


def test_lists_of_other_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="2 held, 1 asked for, 2 scenes"):
        Achieved(np.zeros(2, np.int64), np.zeros(1, np.int64), np.zeros(2, np.int64))
