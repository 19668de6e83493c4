"""Servoing: what methods share that look, move a little and look again. Imports no paper's method.

`examples` and `batches` make what is learned from, `eye` finds the camera, `network` holds judges
of motions, `look` scores, `search` searches, `method` acts.
"""

from selfgrasp.servo.camera_pose import CameraPoseNet, camera_pose_loss
from selfgrasp.servo.config import Sees, ServoConfig
from selfgrasp.servo.method import ServoMethod, WithContext
from selfgrasp.servo.network import ImageSuccessPredictor, SuccessPredictor, grasp_loss
from selfgrasp.servo.scorer import ImageScorer, MotionScorer, PatchScorer, estimate_camera_pose

__all__ = [
    "CameraPoseNet",
    "ImageScorer",
    "ImageSuccessPredictor",
    "MotionScorer",
    "PatchScorer",
    "Sees",
    "ServoConfig",
    "ServoMethod",
    "SuccessPredictor",
    "WithContext",
    "camera_pose_loss",
    "estimate_camera_pose",
    "grasp_loss",
]
