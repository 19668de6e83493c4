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
    Sees,
    ServoConfig,
    ServoMethod,
    SuccessPredictor,
    camera_pose_loss,
    estimate_camera_pose,
    grasp_loss,
)


class HandEye(ServoMethod):
    """Predicts from the first picture and the present one whether the hand, moved and closed, would
    hold something; servoes to the best motion."""

    name = "hand_eye"

    def __init__(self, config: ServoConfig) -> None:
        super().__init__()
        self.config: ServoConfig = config
        whole = config.sees is Sees.PICTURES
        self.eye = None if whole else CameraPoseNet(config)
        self.judge: SuccessPredictor | ImageSuccessPredictor = (
            ImageSuccessPredictor(config) if whole else SuccessPredictor(config)
        )

    def recipe(self, *, round: int = 0) -> FitConfig:
        """AdamW, a cosine."""
        return FitConfig(epochs=20, learning_rate=1e-3 if round else 2e-3)

    def loss(self, batch: Batch) -> Loss:
        """Cross entropy of success, how far down the hand came, and by how many pixels the eye
        misplaces points of the bin."""
        seen, motion = ("whole", "motion") if self.eye is None else ("patch", "state")
        success, stopped = grasp_loss(
            self.judge(batch[seen], batch[motion]).float(), batch, batch["weight"]
        )
        value = success + self.config.height_weight * stopped
        metrics = {
            "success_loss": success,
            "height_loss": stopped,
            "grasped": batch["grasped"].mean(),
        }
        if self.eye is not None:
            metrics["reprojection_px"] = camera_pose_loss(self.eye, batch)
            value = value + metrics["reprojection_px"]
        return Loss(value, {name: metric.detach() for name, metric in metrics.items()})

    def scorer(self, context: Context, *, calibrated: bool = False) -> MotionScorer:
        """See `ServoMethod.look`; every object will do."""
        first, spec, config = context.first or context.observation, context.spec, self.config
        now = first if calibrated else context.observation
        if isinstance(self.judge, ImageSuccessPredictor):
            return ImageScorer(self.judge, first, now, spec, config)
        assert self.eye is not None
        camera = (
            first.view(config.view).world_from_camera
            if calibrated
            else estimate_camera_pose(self.eye, first, now, spec, config)
        )
        return PatchScorer(self._grasped, camera, first, now, spec, config)

    def _grasped(self, patch: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.judge(patch.to(self.device), state.to(self.device))[:, 0]
        return logits


METHOD = HandEye
