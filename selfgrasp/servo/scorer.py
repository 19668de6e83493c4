"""The pictures of one decision, with everything that does not depend on the motion done once."""

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
from selfgrasp.servo.camera_pose import CameraPoseNet
from selfgrasp.servo.config import ServoConfig
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

Judged = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Patches (M, C, S, S) and states (M, 10) to (M, ...) whatever is to be known of motions, a logit
at least."""


class MotionScorer(Protocol):
    """Says how good it would be to close somewhere."""

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of closing at poses (M, 3)."""
        ...

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, at more cost."""
        ...


def estimate_camera_pose(
    eye: CameraPoseNet, first: Observation, now: Observation, spec: CellSpec, config: ServoConfig
) -> FloatArray:
    """(4, 4) world_from_camera where the eye finds it in the first picture and the present one."""
    camera, side, device = camera_of(spec, config), config.eye_px, next(eye.parameters()).device
    pictures = torch.cat(
        [normalised(resized(o.view(config.view).color, side)) for o in (first, now)]
    )[None]
    nominal, intrinsics = (
        torch.from_numpy(a).float()[None]
        for a in (surface_from_camera(camera, spec), small_intrinsics(camera, side))
    )
    mount = eye.refine(pictures.to(device), nominal.to(device), intrinsics.to(device))[0]
    found: FloatArray = camera.world_from_camera @ mount.double().cpu().numpy()
    return found


class PatchScorer:
    """Patches where motions end, in the first picture and the present one.

    Args:
        judged: what scores them, on whatever device.
        world_from_camera: (4, 4) where the camera is.
        first: I_0.
        now: I_t, and where the hand is.
        spec: the cell.
        config: sizes.
    """

    def __init__(
        self,
        judged: Judged,
        world_from_camera: FloatArray,
        first: Observation,
        now: Observation,
        spec: CellSpec,
        config: ServoConfig,
    ) -> None:
        self._judged, self._spec, self._config, self._hand = (
            judged,
            spec,
            config,
            hand_over(now, spec),
        )
        self._camera = camera_of(spec, config)
        views = [o.view(config.view) for o in (first, now)]
        self._pictures = torch.cat([normalised(view.color) for view in views])
        self._intrinsics = torch.tensor(views[0].intrinsics, dtype=torch.float32)
        self._camera_from_world = torch.from_numpy(inverse(world_from_camera)).float()

    def logits(self, poses: FloatArray) -> FloatArray:
        """See `MotionScorer`; (M, ...) where more than a logit is judged."""
        return self._scored(*self._seen(poses))

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, the mean over both mirrors of the hand and the half turn."""
        patch, state = self._seen(poses)
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

    def _seen(self, poses: FloatArray) -> tuple[torch.Tensor, NDArray[np.float32]]:
        """(M, C, S, S) patches and (M, 10) states, see `SuccessPredictor`."""
        config = self._config
        grid = hand_grid(
            torch.from_numpy(poses).float(), config.patch_px, self._spec.workspace.surface, config
        )
        found = sample(self._pictures, project(grid, self._camera_from_world, self._intrinsics))
        state = state_of(
            poses, np.broadcast_to(self._hand, (len(poses), 4)), towards_camera(poses, self._camera)
        )
        # All planes of the first picture come before those of the present one, as in
        # `batches.batch_of`.
        m, planes, channels, side, _ = found.shape
        return found.reshape(m, planes, 2, channels // 2, side, side).transpose(1, 2).flatten(
            1, 3
        ), state

    def _scored(self, patch: torch.Tensor, state: NDArray[np.float32]) -> FloatArray:
        return (
            self._judged(
                patch.contiguous(memory_format=torch.channels_last), torch.from_numpy(state)
            )
            .double()
            .cpu()
            .numpy()
        )


class ImageScorer:
    """The whole pictures, seen once, and motions as numbers: the published network's."""

    def __init__(
        self,
        judge: ImageSuccessPredictor,
        first: Observation,
        now: Observation,
        spec: CellSpec,
        config: ServoConfig,
    ) -> None:
        pictures = torch.cat(
            [
                normalised(resized(o.view(config.view).color, config.picture_px))
                for o in (first, now)
            ]
        )[None]
        self._device = next(judge.parameters()).device
        self._judge, self._hand, self._seen = (
            judge,
            hand_over(now, spec),
            judge.seeing(pictures.to(self._device)),
        )

    def logits(self, poses: FloatArray) -> FloatArray:
        """See `MotionScorer`."""
        motion = motion_of(poses, np.broadcast_to(self._hand, (len(poses), 4)))
        return (
            self._judge.judged(self._seen, torch.from_numpy(motion).to(self._device))[:, 0]
            .double()
            .cpu()
            .numpy()
        )

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """The same: a whole picture has no mirror in which the arm would still be one."""
        return self.logits(poses)
