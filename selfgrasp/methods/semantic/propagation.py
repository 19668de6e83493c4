"""Label propagation: a classifier of presented pictures names what nobody has labelled, where it is
confident enough (Jang et al. 2017, section 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from selfgrasp.common.intervals import wilson
from selfgrasp.core import Attempt, CellSpec
from selfgrasp.learn import evaluating
from selfgrasp.methods.semantic.examples import present_image
from selfgrasp.methods.semantic.method import Semantic
from selfgrasp.servo.batches import center_crop

_BATCH = 256


class Answer(NamedTuple):
    """What a classifier calls a presented picture, and with what probability."""

    category: str
    confidence: float


class Threshold(NamedTuple):
    """A confidence from which answers count, and whether it keeps what was asked of it."""

    value: float
    reached: bool


def classified(method: Semantic, attempts: Iterable[Attempt], spec: CellSpec) -> list[Answer]:
    """The classifier's answers to the presented pictures of the attempts that have one, in their
    order.

    Args:
        method: with the structure `presented`.
        attempts: of one cell.
        spec: of that cell.
    """
    pictures = [
        present_image(attempt.present, spec, method.config.ventral)
        for attempt in attempts
        if attempt.present is not None
    ]
    found: list[Answer] = []
    with evaluating(method):
        for start in range(0, len(pictures), _BATCH):
            stored = torch.from_numpy(np.stack(pictures[start : start + _BATCH]))
            image = stored.permute(0, 3, 1, 2).float() / 127.5 - 1
            logs = method.category_log_probabilities(center_crop(image, method.config.ventral))
            chances, answers = logs.exp().max(dim=1)
            found += [
                Answer(method.config.answers[index], chance)
                for index, chance in zip(answers.tolist(), chances.tolist(), strict=True)
            ]
    return found


def confidence_threshold(checked: Sequence[tuple[bool, float]], right: float) -> Threshold:
    """Least confidence, in steps of 0.05 from 0.5, from which a classifier's answers can be
    believed: at least the share `right` of them are right, as the lower end of Wilson's 95 %
    interval has it. 0.95, and not reached, where none is enough.

    Args:
        checked: answers that somebody checked: whether each is right, and its confidence.
        right: share that is wanted.
    """
    values = [round(0.5 + 0.05 * step, 2) for step in range(10)]

    def enough(value: float) -> bool:
        believed = [good for good, confidence in checked if confidence >= value]
        return wilson(sum(believed), len(believed)).low >= right

    found = next((value for value in values if enough(value)), None)
    return Threshold(values[-1], False) if found is None else Threshold(found, True)
