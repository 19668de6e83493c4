"""Poses of the hand, of the final grasp and of the camera as inputs of the networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Observation
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import yaw_of
from selfgrasp.core.spec import CameraSpec, CellSpec

_NEAR = 0.02
"""m within which the hand is where it would close."""
_LOW = 0.05
"""m, the scale on which a height near the floor matters."""
_FAR = 0.3
"""m beyond which the hand is not over the bin."""


def camera_of(spec: CellSpec, view: str | None) -> CameraSpec:
    """The nominal camera of a view (None: the first one). Each robot's own camera is mounted a
    little differently."""
    return spec.cameras[view] if view is not None else next(iter(spec.cameras.values()))


def hand_of(observation: Observation) -> FloatArray:
    """(4,) x, y, z m and yaw rad."""
    tool = observation.hand.world_from_tool
    return np.array([*tool[:3, 3], yaw_of(tool)])


def hand_over(observation: Observation, spec: CellSpec) -> FloatArray:
    """(4,) `hand_of`, with z above the surface: the input of networks."""
    hand = hand_of(observation)
    hand[2] -= spec.workspace.surface
    return hand


def surface_from_camera(camera: CameraSpec, spec: CellSpec) -> FloatArray:
    """(4, 4) world_from_camera of the nominal camera, in a world whose zero is the surface."""
    shifted = camera.world_from_camera.copy()
    shifted[2, 3] -= spec.workspace.surface
    return shifted


def over_the_bin(hand: FloatArray, spec: CellSpec) -> bool:
    """Whether the hand (x, y, z, ...) m is over the workspace, at any height."""
    return spec.workspace.contains(
        np.array([*hand[:2], min(hand[2], spec.workspace.high[2])]), margin=0.03
    )


def towards_camera(final_M3: FloatArray, camera: CameraSpec) -> FloatArray:
    """(M, 2) horizontal unit vectors from poses to the nominal camera."""
    away = camera.world_from_camera[:2, 3] - final_M3[:, :2]
    unit: FloatArray = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    return unit


def state_of(
    final_M3: FloatArray, hand_M4: FloatArray, camera_M2: FloatArray
) -> NDArray[np.float32]:
    """(M, 10) in the frame of the final pose: where the hand is now (x, y, turn, far or there,
    height, height if there), and the direction to the camera.

    A hand that is there and was stopped above the floor has felt what no image shows. Nothing
    changes when a symmetric gripper is turned by half; see `mirrored` for mirrors.

    Args:
        final_M3: x, y m and yaw rad where the hand would close.
        hand_M4: where it is, see `hand_over`.
        camera_M2: see `towards_camera`.
    """
    cos, sin = np.cos(final_M3[:, 2]), np.sin(final_M3[:, 2])

    def into_hand(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        return cos * x + sin * y, -sin * x + cos * y

    x, y = into_hand(hand_M4[:, 0] - final_M3[:, 0], hand_M4[:, 1] - final_M3[:, 1])
    camera_x, camera_y = into_hand(camera_M2[:, 0], camera_M2[:, 1])
    turn, distance = hand_M4[:, 3] - final_M3[:, 2], np.hypot(x, y)
    there = np.exp(-((distance / _NEAR) ** 2))
    low = np.minimum(hand_M4[:, 2] / _LOW, 2.0)
    state = [
        np.tanh(x / 0.1),
        np.tanh(y / 0.1),
        np.sin(2 * turn),
        np.cos(2 * turn),
        distance > _FAR,
        there,
        low,
        there * (2.0 - low),
        camera_x,
        camera_y,
    ]
    return np.stack(state, axis=1).astype(np.float32)


def motion_of(final_M3: FloatArray, hand_M4: FloatArray) -> NDArray[np.float32]:
    """(M, 5) motions from the hand (`hand_over`) to the floor at the final pose: x, y, z m, sine
    and cosine of the turn (Levine et al. 2016, section IV-A)."""
    turn = final_M3[:, 2] - hand_M4[:, 3]
    way = [
        final_M3[:, 0] - hand_M4[:, 0],
        final_M3[:, 1] - hand_M4[:, 1],
        -hand_M4[:, 2],
        np.sin(turn),
        np.cos(turn),
    ]
    return np.stack(way, axis=1).astype(np.float32)


def mirrored(state_MF: NDArray[np.float32], flips_M2: FloatArray) -> NDArray[np.float32]:
    """(M, 10) states in a frame whose x and y axes are flipped where `flips` (M, 2) is -1: a
    parallel gripper is symmetric under both mirrorings."""
    x, y = flips_M2[:, 0], flips_M2[:, 1]
    one = np.ones_like(x)
    return (state_MF * np.stack([x, y, x * y, one, one, one, one, one, x, y], axis=1)).astype(
        np.float32
    )
