"""What a mesh file was judged to be, kept by its content in the user's cache: cutting a mesh into
convex parts takes seconds, reading them again a millisecond."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from selfgrasp.common.files import atomic_write
from selfgrasp.common.user_cache import user_cache
from selfgrasp.core.arrays import FloatArray

_VERSION = 6
"""Of how files are judged; what another version judged is judged again."""
_PACKAGES = ("coacd", "mujoco", "trimesh")


@dataclass(frozen=True, eq=False)
class Judged:
    """What a mesh file is.

    Attributes:
        refused: why it gives no object; empty where it does.
        scale: m per unit of the file.
        unit: how that was found.
        how: how it was cut.
        notes: what a user has to know of it: what was left out or mended.
        parts: corners (N, 3) m of each convex part.
    """

    refused: str = ""
    scale: float = 0.0
    unit: str = ""
    how: str = ""
    notes: tuple[str, ...] = ()
    parts: tuple[FloatArray, ...] = ()


def cache_key(digest: str, suffix: str, rules: str) -> str:
    """A name for a file of this content, judged by these rules and these versions."""
    text = "|".join((str(_VERSION), digest, suffix, rules, *map(_installed, _PACKAGES)))
    return hashlib.sha256(text.encode()).hexdigest()


def find(key: str) -> Judged | None:
    """What is kept under a key; None where nothing is, or nothing that can be read."""
    path = _path(key)
    if path is None:
        return None
    try:
        digest, _, text = path.read_bytes().partition(b"\n")
        if digest != _digest(text):
            return None
        kept = json.loads(text)
        parts = tuple(_corners(part) for part in kept.pop("parts"))
        notes = tuple(str(note) for note in kept.pop("notes"))
        return Judged(**kept, notes=notes, parts=parts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def keep(key: str, judged: Judged) -> None:
    """Keep it, where the user's cache can be written."""
    path = _path(key)
    if path is None:
        return
    plain = {**asdict(judged), "parts": [part.tolist() for part in judged.parts]}
    with contextlib.suppress(OSError), atomic_write(path) as partial:
        text = json.dumps(plain).encode()
        partial.write_bytes(_digest(text) + b"\n" + text)


def _digest(text: bytes) -> bytes:
    """What stands before what is kept, so that damage is seen."""
    return hashlib.sha256(text).hexdigest().encode()


def _corners(part: Iterable[Iterable[float]]) -> FloatArray:
    corners = np.array(part, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 3 or not np.isfinite(corners).all():
        raise ValueError("not (N, 3) finite numbers")
    return corners


def _path(key: str) -> Path | None:
    folder = user_cache()
    return None if folder is None else folder / "meshes" / f"{key}.json"


def _installed(package: str) -> str:
    return f"{package} {_version(package)}" if find_spec(package) else f"no {package}"


@cache
def _version(package: str) -> str:
    return version(package)
