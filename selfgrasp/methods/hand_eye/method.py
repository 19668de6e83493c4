"""Levine et al., "Learning hand-eye coordination for robotic grasping with deep learning and
large-scale data collection", IJRR 2016, as a Method."""

from __future__ import annotations

import torch

from selfgrasp.core import Context
from selfgrasp.learn import Batch, FitConfig, Loss
from selfgrasp.servo import (
    CameraPoseNet,
    ImageScorer,
    ImageSuccessPredictor,
    MotionScorer,
    PatchScorer,
    PredictorInput,
    ServoConfig,
    ServoMethod,
    SuccessPredictor,
    camera_pose_loss,
    estimate_camera_pose,
    grasp_loss,
)


class HandEye(ServoMethod):
    """Predicts from the first image and the present one whether the hand, moved and closed, would
    hold something; servoes to the best motion.

    Attributes:
        eye: the camera pose network; None where the predictor sees whole images.
        judge: the grasp success predictor. Checkpoints store both under these names.
    """

    name = "hand_eye"

    def __init__(self, config: ServoConfig) -> None:
        super().__init__()
        self.config: ServoConfig = config
        whole = config.input is PredictorInput.IMAGES
        self.eye = None if whole else CameraPoseNet()
        self.judge: SuccessPredictor | ImageSuccessPredictor = (
            ImageSuccessPredictor(config.image_px) if whole else SuccessPredictor(config.patches)
        )

    @property
    def servo(self) -> ServoConfig:
        """The config."""
        return self.config

    def recipe(self, *, round: int = 0) -> FitConfig:
        """AdamW, a cosine schedule."""
        return FitConfig(epochs=20, learning_rate=1e-3 if round else 2e-3)

    def loss(self, batch: Batch) -> Loss:
        """Cross entropy of success, loss of the height at which the hand was stopped, and
        reprojection error of the camera pose in px."""
        image, motion = ("whole", "motion") if self.eye is None else ("patch", "state")
        success, height = grasp_loss(
            self.judge(batch[image], batch[motion]).float(), batch, batch["weight"]
        )
        value = success + height
        metrics = {
            "success_loss": success,
            "height_loss": height,
            "grasped": batch["grasped"].mean(),
        }
        if self.eye is not None:
            metrics["reprojection_px"] = camera_pose_loss(self.eye, batch)
            value = value + metrics["reprojection_px"]
        return Loss(value, {name: metric.detach() for name, metric in metrics.items()})

    def scorer(self, context: Context, *, calibrated: bool = False) -> MotionScorer:
        """See `ServoMethod.scorer`; goals are ignored: every object will do."""
        first, spec, config = context.first or context.observation, context.spec, self.config
        now = first if calibrated else context.observation
        if isinstance(self.judge, ImageSuccessPredictor):
            return ImageScorer(self.judge, first, now, spec, config.image_px, config.view)
        assert self.eye is not None
        camera = (
            first.view(config.view).world_from_camera
            if calibrated
            else estimate_camera_pose(self.eye, first, now, spec, config.view)
        )
        return PatchScorer(
            self._success_logits, camera, first, now, spec, config.patches, config.view
        )

    def _success_logits(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.judge(patch.to(self.device), state.to(self.device))[:, 0]
        return logits


METHOD = HandEye
