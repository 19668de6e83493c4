"""From where a camera looks at a table, against where the shipped policies were trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from selfgrasp.core import Policy, View, Workspace

TRAINED_TILT = 15.0
TRAINED_DISTANCE = 0.75
MOST_TILT = 45.0
DISTANCES = (0.4, 1.5)
"""Degrees and m within which success was measured to hold: docs/your_own_camera.md."""


@dataclass(frozen=True)
class PictureView:
    """From where a picture was taken.

    Attributes:
        tilt_degrees: of the optical axis against straight down.
        distance: m from the camera to the middle of the workspace's surface.
    """

    tilt_degrees: float
    distance: float


def view_of(view: View, workspace: Workspace) -> PictureView:
    """From where `view` looks at the table."""
    middle = np.append((workspace.low[:2] + workspace.high[:2]) / 2, workspace.surface)
    downwards = float(np.clip(-view.world_from_camera[2, 2], -1.0, 1.0))
    distance = float(np.linalg.norm(middle - view.world_from_camera[:3, 3]))
    return PictureView(math.degrees(math.acos(downwards)), distance)


def view_note(seen: PictureView) -> str:
    """A warning of a view far from the trained one; empty for others."""
    low, high = DISTANCES
    if seen.tilt_degrees <= MOST_TILT and low <= seen.distance <= high:
        return ""
    return (
        f"the camera looks from {seen.distance:.2f} m and {seen.tilt_degrees:.0f} degrees off "
        f"straight down; shipped policies were trained at {TRAINED_DISTANCE:g} m and "
        f"{TRAINED_TILT:g} degrees, and hold what they promise from {low:g} to {high:g} m and up "
        f"to {MOST_TILT:g} degrees (docs/your_own_camera.md)"
    )


def trained_note(policy: Policy, seen: PictureView) -> str:
    """A warning of a view from where this policy has learned nothing; empty for others, and for
    policies that do not say from where they have (`trained_distances`, m; `trained_tilt`,
    degrees)."""
    low, high = getattr(policy, "trained_distances", (0.0, math.inf))
    most = getattr(policy, "trained_tilt", 180.0)
    if seen.tilt_degrees <= most and low <= seen.distance <= high:
        return ""
    return (
        f"{policy.name} has learned from cameras {low:g} to {high:g} m away and up to {most:g} "
        f"degrees off straight down; this one is {seen.distance:.2f} m away and "
        f"{seen.tilt_degrees:.0f} degrees off"
    )
