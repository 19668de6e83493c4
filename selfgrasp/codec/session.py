"""Sessions as JSON values, and the key by which attempts refer to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from selfgrasp.core import CellSpec, Session


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
    """The inverse of `session_to_plain`."""
    return Session(**{**plain, "spec": CellSpec.from_json(plain["spec"])})


def session_key(session: Session) -> str:
    """12 hex digits over everything in it: what `Attempt.session` holds. Equal sessions have equal
    keys, whoever computes them."""
    return hashlib.sha256(
        json.dumps(session_to_plain(session), sort_keys=True).encode()
    ).hexdigest()[:12]
