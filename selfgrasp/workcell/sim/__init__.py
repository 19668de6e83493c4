"""The simulated cell: MuJoCo behind the same four drivers as a real one."""

import warnings

# First of all, since it decides how MuJoCo renders, which MuJoCo reads while it is imported.
from selfgrasp.workcell.sim import gl  # noqa: F401

import mujoco  # isort: skip

# MuJoCo writes each warning into MUJOCO_LOG.TXT in the folder where one stands. `World` reads them
# where they are counted, and what does not compile is raised.
mujoco.set_mju_user_warning(lambda _: None)
# What an arm's file says besides, of textures or of options that the world has its own of.
warnings.filterwarnings("ignore", message="obj_decoder|Attach conflict")
