"""Closed-loop servoing, which several methods share (Levine et al. 2016): observe, move a little,
observe again. Imports no method.

`examples` and `batches` make what is learned from, `camera_pose` estimates the camera's pose,
`network` holds the grasp success predictors, `scorer` scores motions, `search` searches for the
best one, `method` moves.
"""

from selfgrasp.servo.camera_pose import CameraPoseNet, camera_pose_loss
from selfgrasp.servo.config import PatchConfig, PredictorInput, SearchConfig, ServoConfig
from selfgrasp.servo.method import ServoMethod, WithContext
from selfgrasp.servo.network import ImageSuccessPredictor, SuccessPredictor, grasp_loss
from selfgrasp.servo.scorer import ImageScorer, MotionScorer, PatchScorer, estimate_camera_pose

__all__ = [
    "CameraPoseNet",
    "ImageScorer",
    "ImageSuccessPredictor",
    "MotionScorer",
    "PatchConfig",
    "PatchScorer",
    "PredictorInput",
    "SearchConfig",
    "ServoConfig",
    "ServoMethod",
    "SuccessPredictor",
    "WithContext",
    "camera_pose_loss",
    "estimate_camera_pose",
    "grasp_loss",
]
