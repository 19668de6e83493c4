"""The loop emits, watchers watch: saving, progress bars and drawing are watchers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selfgrasp.core.attempt import Attempt, Label
    from selfgrasp.core.plan import Plan

VERDICT = "verdict"
"""Name of the label that says, in words, whether a policy accepted what it held."""


class Watcher:
    """Told of what happens; the default hears nothing. Subclasses override what they care about and
    keep no loop waiting."""

    def on_plan(self, plan: Plan) -> None:
        """A policy has decided."""

    def on_attempt(self, attempt: Attempt, labels: Sequence[Label]) -> None:
        """An attempt has ended; `labels` is what is known of it at once."""

    def on_label(self, label: Label) -> None:
        """Something became known of the last attempt after it had ended."""

    def on_batch(self, step: int, values: dict[str, float]) -> None:
        """A training step has ended."""
