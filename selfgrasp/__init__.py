"""selfgrasp: a robot that teaches itself to grasp.

The names below are what most programs need; each is imported when it is first used.

    import selfgrasp as sg

    with sg.tabletop() as cell:
        print(cell.attempt(sg.policy("supersizing")).outcome)
"""

import os
from importlib import import_module

# The module `typing` would take longer than everything else here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from selfgrasp.core import Attempt, Context, Goal, Plan, Policy
    from selfgrasp.learn import Method
    from selfgrasp.rollout.policies import load_policy as policy
    from selfgrasp.workcell.cells.simulated import kuka_bin, tabletop
    from selfgrasp.workcell.workcell import Workcell

__all__ = [
    "Attempt",
    "Context",
    "Goal",
    "Method",
    "Plan",
    "Policy",
    "Workcell",
    "kuka_bin",
    "policy",
    "tabletop",
]

# Read when PyTorch is loaded. Its threads wait for each other by spinning, 300,000 times by
# default: on cores that something else keeps busy they hold up the very thread that they wait for,
# and a decision of 50 ms takes two seconds. With so many it takes 0.2, and as long as before on
# idle cores.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")

__version__ = "0.2.0"

_PLACES = {
    "Attempt": "core:Attempt",
    "Context": "core:Context",
    "Goal": "core:Goal",
    "Method": "learn:Method",
    "Plan": "core:Plan",
    "Policy": "core:Policy",
    "Workcell": "workcell.workcell:Workcell",
    "kuka_bin": "workcell.cells.simulated:kuka_bin",
    "policy": "rollout.policies:load_policy",
    "tabletop": "workcell.cells.simulated:tabletop",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found = globals()[name] = getattr(import_module(f"{__name__}.{module}"), attribute)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
