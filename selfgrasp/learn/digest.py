"""What tells arrays from others: a hash of their names, shapes, types and values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def digest_of(columns: Mapping[str, NDArray[Any]]) -> str:
    """32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name, column in sorted(columns.items()):
        digest.update(f"{name} {column.shape} {column.dtype.str};".encode())
        digest.update(np.ascontiguousarray(column).data)
    return digest.hexdigest()
