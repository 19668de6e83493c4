"""Does colour and size alone give the category away? A probe of what vanished from the bin: its mean colour and its bounding box."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfgrasp.protocols.intervals import clustered

if TYPE_CHECKING:
    from selfgrasp.core import Attempt, CellSpec

_CHANGED = 30.0
"""Of 255: what has changed by less is noise."""
_FEATURES = 8


def measure_probe(train: Path, test: Path, *, seed: int, steps: int = 1500) -> dict[str, list[list[float]]]:
    """Train on all but every eighth scene of a dataset; test on those, and on another dataset of other objects. The labels are the simulator's.

    Args:
        train: attempts with training objects.
        test: attempts with others.
        seed: of the probe's initial weights and batches.
        steps: of its training.

    Returns:
        For "seen" and "novel", for each scene: how many were right, of how many.
    """
    import torch
    from torch import nn

    from selfgrasp.methods.semantic.config import CATEGORIES

    (x, y, scene), novel = _of(train), _of(test)
    held_out = scene % 8 == 0
    mean, deviation = x[~held_out].mean(axis=0), x[~held_out].std(axis=0).clip(1e-6)
    inputs, targets = (torch.from_numpy(a[~held_out]) for a in ((x - mean) / deviation, y))
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(_FEATURES, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, len(CATEGORIES)))
    optimizer, rng = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2), np.random.default_rng(seed)
    for _ in range(steps):
        drawn = torch.from_numpy(rng.integers(len(inputs), size=256))
        loss = nn.functional.cross_entropy(net(inputs[drawn]), targets[drawn])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = {}
    for name, (some, truth, scenes) in {"seen": (x[held_out], y[held_out], scene[held_out]), "novel": novel}.items():
        with torch.no_grad():
            said = net(torch.from_numpy((some - mean) / deviation)).argmax(dim=1).numpy()
        found[name] = clustered(scenes, np.stack([said == truth, np.ones(len(truth))], axis=1)).tolist()
    return found


def _of(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """(N, 8) features, (N,) categories and (N,) scenes of the attempts that lifted one thing of a category."""
    from selfgrasp.dataset import Dataset
    from selfgrasp.methods.semantic.config import CATEGORIES
    from selfgrasp.runs.semantic.labels import what_is_held

    rows: list[tuple[NDArray[np.float32], int, int]] = []
    with Dataset.open(path) as data:
        truth = what_is_held(data, CATEGORIES)
        for attempt in data.attempts([i for i in data.ids() if truth.get(i) in CATEGORIES]):
            features = vanished(attempt, data.spec)
            if features is not None:
                rows.append((features, CATEGORIES.index(truth[attempt.id]), attempt.scene))
    return np.stack([r[0] for r in rows]), np.array([r[1] for r in rows]), np.array([r[2] for r in rows])


def vanished(attempt: Attempt, spec: CellSpec) -> NDArray[np.float32] | None:
    """(8,) mean and deviation of the three colours, and both sides in px of the box around what is gone where the hand closed; None where nothing is."""
    import cv2

    from selfgrasp.learn.servo import ServoConfig
    from selfgrasp.learn.servo.examples import stored_patches, tried_of

    tried = tried_of(attempt)
    if tried is None or attempt.before is None or attempt.after is None:
        return None
    config = ServoConfig(patch=0.20, patch_px=80, stored_px=80, planes=(0.02,))
    before, after = (stored_patches(look.view(config.view), tried.final, spec, config)[0] for look in (attempt.before, attempt.after))
    changed = (np.abs(before.astype(np.float32) - after).max(axis=2) > _CHANGED).astype(np.uint8)
    count, parts, stats, centers = cv2.connectedComponentsWithStats(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)))
    near = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= 12 and np.linalg.norm(centers[i] - config.stored_px / 2) < config.stored_px / 4]
    if not near:
        return None
    largest = max(near, key=lambda i: int(stats[i, cv2.CC_STAT_AREA]))
    color = before[parts == largest].astype(np.float32)
    return np.array([*color.mean(axis=0), *color.std(axis=0), stats[largest, cv2.CC_STAT_WIDTH], stats[largest, cv2.CC_STAT_HEIGHT]], dtype=np.float32)
