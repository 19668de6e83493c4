"""Servoing: what methods share that look, move a little and look again. Imports no paper's method.

`examples` and `batches` make what is learned from, `eye` finds the camera, `network` holds judges
of motions, `look` scores, `search` searches, `method` acts.
"""

from selfgrasp.servo.config import Sees, ServoConfig
from selfgrasp.servo.eye import Eye, eye_loss
from selfgrasp.servo.look import Look, PatchLook, PictureLook, camera_found
from selfgrasp.servo.method import ServoMethod, Told
from selfgrasp.servo.network import Judge, PictureJudge, grasp_loss

__all__ = [
    "Eye",
    "Judge",
    "Look",
    "PatchLook",
    "PictureJudge",
    "PictureLook",
    "Sees",
    "ServoConfig",
    "ServoMethod",
    "Told",
    "camera_found",
    "eye_loss",
    "grasp_loss",
]
