"""Does colour and size alone give the category away? A probe of what vanished from the bin: its
mean colour and its bounding box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from selfgrasp.common.intervals import clustered
from selfgrasp.core import Attempt, CellSpec
from selfgrasp.dataset import Dataset
from selfgrasp.methods.semantic.config import CATEGORIES
from selfgrasp.methods.semantic.examples import LABEL
from selfgrasp.papers.semantic.labels import named, what_is_held
from selfgrasp.servo import PatchConfig
from selfgrasp.servo.examples import closed_attempt, stored_patches

_CHANGED = 30.0
"""Of 255: what has changed by less is noise."""
_FEATURES = 8


@dataclass(frozen=True, eq=False)
class _Lifted:
    """N attempts that lifted one thing of a category.

    Attributes:
        ids: (N,).
        features: (N, 8).
        category: (N,) indices.
        scene: (N,).
        rated: (N,) whether a rater has named them, from whom the classifier learned.
    """

    ids: NDArray[np.str_]
    features: NDArray[np.float32]
    category: NDArray[np.int64]
    scene: NDArray[np.int64]
    rated: NDArray[np.bool_]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> _Lifted:
        return _Lifted(*(column[chosen] for column in vars(self).values()))


def measure_probe(
    train: Path, test: Path, classifier: Path, *, seed: int, steps: int = 1500
) -> dict[str, list[list[float]]]:
    """Train on all but every eighth scene of a dataset; test on those, and on another dataset of
    other objects. The labels are the simulator's.

    Args:
        train: attempts with training objects.
        test: attempts with others.
        classifier: run of the classifier of presented pictures, which is asked about the same
            attempts.
        seed: of the probe's initial weights and batches.
        steps: of its training.

    Returns:
        For "seen" and "novel", for each scene: how many the probe had right, of how many; and how
        many the classifier. Nothing where no attempt can be learned from.
    """
    seen, novel = _lifted(train), _lifted(test)
    held_out = seen.scene % 8 == 0
    known = seen[~held_out]
    tested = {"seen": (train, seen[held_out & ~seen.rated]), "novel": (test, novel)}
    if not len(known.ids):
        return {name: [] for name in tested}
    answer = _trained_probe(known, seed=seed, steps=steps)
    found = {}
    for name, (path, one) in tested.items():
        with Dataset.open(path) as data:
            answers = [category for category, _ in named(data, one.ids.tolist(), classifier)]
        right = [
            said == CATEGORIES[category]
            for said, category in zip(answers, one.category, strict=True)
        ]
        columns = [answer(one.features) == one.category, np.ones(len(right)), right]
        found[name] = clustered(one.scene, np.stack(columns, axis=1)).tolist()
    return found


def _trained_probe(
    known: _Lifted, *, seed: int, steps: int
) -> Callable[[NDArray[np.float32]], NDArray[np.int64]]:
    """What turns (N, 8) features into (N,) indices of categories, learned from known attempts."""
    mean, deviation = known.features.mean(axis=0), known.features.std(axis=0).clip(1e-6)

    def inputs_of(features: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy((features - mean) / deviation)

    inputs, targets = inputs_of(known.features), torch.from_numpy(known.category)
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(_FEATURES, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, len(CATEGORIES)),
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        drawn = torch.from_numpy(rng.integers(len(inputs), size=256))
        loss = nn.functional.cross_entropy(net(inputs[drawn]), targets[drawn])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def answer(features: NDArray[np.float32]) -> NDArray[np.int64]:
        with torch.no_grad():
            found: NDArray[np.int64] = net(inputs_of(features)).argmax(dim=1).numpy()
        return found

    return answer


def _lifted(path: Path) -> _Lifted:
    """The attempts of a dataset that lifted one thing of a category alone, if any did."""
    with Dataset.open(path) as data:
        truth = what_is_held(data, CATEGORIES)
        rated = data.label(LABEL) if LABEL in data.label_names else {}
        ids = [i for i in data.ids()[data.column("has_present")] if truth.get(i) in CATEGORIES]
        both = ((attempt, vanished(attempt, data.spec)) for attempt in data.attempts(ids))
        rows = [
            (a.id, features, CATEGORIES.index(truth[a.id]), a.scene, a.id in rated)
            for a, features in both
            if features is not None
        ]
    return _Lifted(
        ids=np.array([row[0] for row in rows], dtype=np.str_),
        features=np.array([row[1] for row in rows], np.float32).reshape(-1, _FEATURES),
        category=np.array([row[2] for row in rows], np.int64),
        scene=np.array([row[3] for row in rows], np.int64),
        rated=np.array([row[4] for row in rows], np.bool_),
    )


def vanished(attempt: Attempt, spec: CellSpec) -> NDArray[np.float32] | None:
    """(8,) mean and deviation of the three colours, and both sides in px of the box around what is
    gone where the hand closed; None where nothing is."""

    closed = closed_attempt(attempt)
    if closed is None or attempt.before is None or attempt.after is None:
        return None
    patches = PatchConfig(size=0.20, px=80, stored_px=80, planes=(0.02,))
    before, after = (
        stored_patches(look.view(), closed.final, spec, patches)[0]
        for look in (attempt.before, attempt.after)
    )
    changed = (np.abs(before.astype(np.float32) - after).max(axis=2) > _CHANGED).astype(np.uint8)
    count, parts, stats, centers = cv2.connectedComponentsWithStats(
        cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    )
    near = [
        i
        for i in range(1, count)
        if stats[i, cv2.CC_STAT_AREA] >= 12
        and np.linalg.norm(centers[i] - patches.stored_px / 2) < patches.stored_px / 4
    ]
    if not near:
        return None
    largest = max(near, key=lambda i: int(stats[i, cv2.CC_STAT_AREA]))
    color = before[parts == largest].astype(np.float32)
    return np.array(
        [
            *color.mean(axis=0),
            *color.std(axis=0),
            stats[largest, cv2.CC_STAT_WIDTH],
            stats[largest, cv2.CC_STAT_HEIGHT],
        ],
        dtype=np.float32,
    )
