"""What Jang et al. 2017 publish."""

from __future__ import annotations

from selfgrasp.papers.published import Figure

FIGURES: tuple[Figure, ...] = ()
"""None: every row of table 2 is another network, and a policy does not say which of them it is."""
