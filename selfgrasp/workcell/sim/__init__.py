"""The simulated cell: MuJoCo behind the same four drivers as a real one."""

# First of all, since it decides how MuJoCo renders, which MuJoCo reads while it is imported.
from selfgrasp.workcell.sim import gl  # noqa: F401
