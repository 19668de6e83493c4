"""The policies of a job, each found and loaded before anything is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from selfgrasp.core import InputError, PolicyRef
from selfgrasp.rollout.embeddings import load_embedding, resolve_embedding
from selfgrasp.rollout.policies import load_policy, resolve


def resolve_all(texts: Sequence[str]) -> tuple[PolicyRef, ...]:
    """The policies of these names.

    Raises:
        InputError: an unknown or broken policy, or two that reports would call the same.
    """
    return _all(texts, resolve, load_policy)


def resolve_embeddings(texts: Sequence[str]) -> tuple[PolicyRef, ...]:
    """The embeddings of these names, see `rollout.embeddings.resolve_embedding`.

    Raises:
        InputError: an unknown or broken one, one that is no embedding, or two that reports would
            call the same.
    """
    return _all(texts, resolve_embedding, load_embedding)


def _all(
    texts: Sequence[str],
    resolved: Callable[[str], PolicyRef],
    load: Callable[[PolicyRef], Any],
) -> tuple[PolicyRef, ...]:
    """Each loaded once: a broken one is found before others have played for an hour."""
    texts_by_label: dict[str, str] = {}
    policies = []
    for text in texts:
        policy = resolved(text)
        if policy.learned:
            load(policy)
        other = texts_by_label.setdefault(policy.label, text)
        if other != text:
            raise InputError(
                given=f"{other} and {text}, both called {policy.label!r} in reports",
                wanted="run folders of different names",
            )
        policies.append(policy)
    return tuple(policies)
