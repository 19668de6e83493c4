"""Scores of motions for one decision: everything that does not depend on the motion is done once.

M motions, C channels, S patch side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core import Observation
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import inverse
from selfgrasp.core.spec import CellSpec
from selfgrasp.servo.camera_pose import IMAGE_PX, CameraPoseNet
from selfgrasp.servo.config import PatchConfig
from selfgrasp.servo.examples import normalised, resized, small_intrinsics
from selfgrasp.servo.geometry import hand_grid, project, sample
from selfgrasp.servo.network import ImageSuccessPredictor
from selfgrasp.servo.poses import (
    camera_of,
    hand_over,
    mirrored,
    motion_of,
    state_of,
    surface_from_camera,
    towards_camera,
)

PatchFunction = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Patches (M, C, S, S) and states (M, 10) to (M,) logits, or to (M, ...) logits of several
things."""


class MotionScorer(Protocol):
    """Predicts how likely closing the hand at a pose succeeds."""

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of closing at poses (M, 3), x, y m and yaw rad."""
        ...

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, more accurate and slower: with test-time augmentation, where there is
        one."""
        ...


def estimate_camera_pose(
    net: CameraPoseNet, first: Observation, now: Observation, spec: CellSpec, view: str | None
) -> FloatArray:
    """(4, 4) world_from_camera, as the network estimates it from the first image and the present
    one."""
    camera, device = camera_of(spec, view), next(net.parameters()).device
    images = torch.cat([normalised(resized(o.view(view).color, IMAGE_PX)) for o in (first, now)])
    world_from_nominal, intrinsics = (
        torch.from_numpy(a).float()[None].to(device)
        for a in (surface_from_camera(camera, spec), small_intrinsics(camera, IMAGE_PX))
    )
    nominal_from_camera = net.refine(images[None].to(device), world_from_nominal, intrinsics)[0]
    estimate: FloatArray = camera.world_from_camera @ nominal_from_camera.double().cpu().numpy()
    return estimate


class PatchScorer:
    """Scores patches where motions end, in the first image and the present one.

    Args:
        network: scores patches, on any device.
        world_from_camera: (4, 4) pose of the camera.
        first: observation with I_0.
        now: observation with I_t and the hand's pose.
        spec: the cell.
        patches: what the network was trained on.
        view: name of the camera; None takes the first.
    """

    def __init__(
        self,
        network: PatchFunction,
        world_from_camera: FloatArray,
        first: Observation,
        now: Observation,
        spec: CellSpec,
        patches: PatchConfig,
        view: str | None = None,
    ) -> None:
        self._network, self._spec, self._patches = network, spec, patches
        self._hand, self._camera = hand_over(now, spec), camera_of(spec, view)
        views = [o.view(view) for o in (first, now)]
        self._images = torch.cat([normalised(seen.color) for seen in views])
        self._intrinsics = torch.tensor(views[0].intrinsics, dtype=torch.float32)
        self._camera_from_world = torch.from_numpy(inverse(world_from_camera)).float()

    def logits(self, poses: FloatArray) -> FloatArray:
        """See `MotionScorer`; (M, ...) where the network gives more than one logit."""
        return self._scored(*self._inputs(poses))

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, the mean over both mirrorings of the hand and the half turn."""
        patch, state = self._inputs(poses)
        flips = [(x, y) for x in (1.0, -1.0) for y in (1.0, -1.0)]
        patches = torch.cat(
            [patch.flip([axis for axis, flip in ((-1, x), (-2, y)) if flip < 0]) for x, y in flips]
        )
        states = np.concatenate(
            [mirrored(state, np.broadcast_to([x, y], (len(poses), 2))) for x, y in flips]
        )
        scored = self._scored(patches, states)
        mean: FloatArray = scored.reshape(len(flips), len(poses), *scored.shape[1:]).mean(axis=0)
        return mean

    def _inputs(self, poses: FloatArray) -> tuple[torch.Tensor, NDArray[np.float32]]:
        """(M, C, S, S) patches and (M, 10) states, see `SuccessPredictor`."""
        patches = self._patches
        grid = hand_grid(
            torch.from_numpy(poses).float(), patches.px, self._spec.workspace.surface, patches
        )
        px = project(grid, self._camera_from_world, self._intrinsics)
        sampled = sample(self._images, px)
        state = state_of(
            poses, np.broadcast_to(self._hand, (len(poses), 4)), towards_camera(poses, self._camera)
        )
        # All planes of the first image come before those of the present one, as in
        # `batches.batch_of`.
        m, planes, channels, side, _ = sampled.shape
        paired = sampled.reshape(m, planes, 2, channels // 2, side, side).transpose(1, 2)
        return paired.flatten(1, 3), state

    def _scored(self, patch: torch.Tensor, state: NDArray[np.float32]) -> FloatArray:
        patch = patch.contiguous(memory_format=torch.channels_last)
        return self._network(patch, torch.from_numpy(state)).double().cpu().numpy()


class ImageScorer:
    """Scores motions as vectors with the published network, which sees both whole images once.

    Args:
        predictor: the network.
        first: observation with I_0.
        now: observation with I_t and the hand's pose.
        spec: the cell.
        image_px: px, side of the images that the network was built for.
        view: name of the camera; None takes the first.
    """

    def __init__(
        self,
        predictor: ImageSuccessPredictor,
        first: Observation,
        now: Observation,
        spec: CellSpec,
        image_px: int,
        view: str | None = None,
    ) -> None:
        images = torch.cat(
            [normalised(resized(o.view(view).color, image_px)) for o in (first, now)]
        )
        self._device = next(predictor.parameters()).device
        self._predictor, self._hand = predictor, hand_over(now, spec)
        self._features = predictor.seeing(images[None].to(self._device))

    def logits(self, poses: FloatArray) -> FloatArray:
        """See `MotionScorer`."""
        motion = motion_of(poses, np.broadcast_to(self._hand, (len(poses), 4)))
        predicted = self._predictor.predict(
            self._features, torch.from_numpy(motion).to(self._device)
        )
        return predicted[:, 0].double().cpu().numpy()

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`: a mirrored image would show an arm that does not exist."""
        return self.logits(poses)
