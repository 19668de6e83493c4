"""Import this where MuJoCo is imported: it keeps MuJoCo's warnings out of the user's folder.

MuJoCo writes each into MUJOCO_LOG.TXT where one stands. `World` reads them where they are counted,
and what does not compile is raised.
"""

import warnings

from selfgrasp.workcell.sim import gl as _gl  # noqa: F401  sets MUJOCO_GL before MuJoCo is imported

import mujoco  # isort: skip

mujoco.set_mju_user_warning(lambda _: None)
# What an arm's file says besides, of textures or of options that the world has its own of.
warnings.filterwarnings("ignore", message="obj_decoder|Attach conflict")
