"""What becomes of what was lifted."""

from __future__ import annotations

from enum import StrEnum


class AfterLift(StrEnum):
    """What becomes of a thing that was lifted: it leaves the scene, or falls into it again."""

    SET_ASIDE = "set_aside"
    PUT_BACK = "put_back"
