"""Sessions as JSON values, and the key by which attempts refer to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from selfgrasp.core import CellSpec, Session

_TYPES = {"versions": dict, "policy": str, "objects": str, "seed": int, "options": dict}


def session_to_plain(session: Session) -> dict[str, object]:
    """Plain JSON values."""
    return {
        "spec": session.spec.to_json(),
        "versions": dict(session.versions),
        "policy": session.policy,
        "objects": session.objects,
        "seed": session.seed,
        "options": dict(session.options),
    }


def session_from_plain(plain: Mapping[str, Any]) -> Session:
    """The inverse of `session_to_plain`.

    Raises:
        KeyError, TypeError, ValueError: a field is missing, unknown, or of another type.
    """
    for name, kind in _TYPES.items():
        if type(plain[name]) is not kind:
            raise TypeError(f"{name} of a session is {plain[name]!r:.40}")
    return Session(**{**plain, "spec": CellSpec.from_json(plain["spec"])})


def session_key(session: Session) -> str:
    """12 hex digits over everything in it: what `Attempt.session` holds. Equal sessions have equal
    keys, whoever computes them."""
    return hashlib.sha256(
        json.dumps(session_to_plain(session), sort_keys=True).encode()
    ).hexdigest()[:12]
