"""Settings of every test: property tests have no deadline, since how long an example takes says
more of the machine's load than of the code."""

import os
import tempfile

import pytest
from hypothesis import settings

from selfgrasp.workcell.sim import gl  # noqa: F401  sets MUJOCO_GL before any test imports MuJoCo: all tests of a process render alike

settings.register_profile("selfgrasp", deadline=None)
settings.load_profile("selfgrasp")

# What tests make does not end in the user's cache; processes that they start write there, too.
CACHE = tempfile.TemporaryDirectory(prefix="selfgrasp-cache-")
os.environ["XDG_CACHE_HOME"] = CACHE.name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take longest comes first, so that no core waits for another one at the end."""
    items.sort(key=_timeout, reverse=True)


def _timeout(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0
