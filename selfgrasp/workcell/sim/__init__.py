"""The simulated cell: MuJoCo behind the same four drivers as a real one."""

# First of all, since it decides how MuJoCo renders, which MuJoCo reads while it is imported.
from selfgrasp.workcell.sim import gl  # noqa: F401

import mujoco  # isort: skip

# MuJoCo writes each warning into MUJOCO_LOG.TXT in the folder where one stands. `World` reads them
# where they are counted, and what does not compile is raised.
mujoco.set_mju_user_warning(lambda _: None)
