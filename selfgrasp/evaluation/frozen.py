"""Hashes of what must not change once a learned result has been looked at."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from selfgrasp.common.record import to_plain
from selfgrasp.methods.baselines import HeuristicPolicy
from selfgrasp.objects.catalogue import catalogue_hash, objects_by_name
from selfgrasp.workcell.sim.noise import realistic


def frozen_hashes() -> dict[str, str]:
    """Hashes of what must not change once a learned result has been looked at: object lists, noise,
    heuristic."""

    def short(value: Any) -> str:
        return hashlib.sha256(
            json.dumps(value, sort_keys=True, default=to_plain).encode()
        ).hexdigest()[:12]

    objects = {
        f"objects.{name}": catalogue_hash(objects_by_name(name))[:12]
        for name in ("train", "validation", "test")
    }
    return {**objects, "noise": short(realistic()), "heuristic": short(HeuristicPolicy().config)}
