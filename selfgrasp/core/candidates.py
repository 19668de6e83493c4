"""Grasps that were never executed, each judged by other means: by their geometry, for example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.action import Grasp
from selfgrasp.core.arrays import FloatArray, checked
from selfgrasp.core.errors import InputError, unknown_name
from selfgrasp.core.observation import MAX_DEPTH

_RIGID_TOLERANCE = 1e-5
"""Poses that went through float32 are rigid to a few 1e-7."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """N grasps in V depth pictures, with what is known of each. Nothing of it was executed.

    Attributes:
        depth: (V, H, W) float32 m along the optical axis, NaN = no return.
        intrinsics: (V, 3, 3) px; the centre of the top-left pixel is (0.5, 0.5).
        world_from_camera: (V, 4, 4); camera axes x right, y down, z forward.
        objects: (V,) names of what lies in each picture, "" where nobody knows; candidates of one
            object never part over a split.
        view: (N,) int64, the picture that each grasp is seen in.
        world_from_tool: (N, 4, 4); origin between the fingertips when they close, +z approach, +x
            closing.
        width: (N,) m between the fingers on the way down.
        labels: name to (N,) float32, NaN where a grasp has none.

    Raises:
        InputError: shapes that do not agree, a pose that is not rigid, depth that is not positive
            or beyond `MAX_DEPTH`, or a view that there is not.
    """

    depth: NDArray[np.float32]
    intrinsics: FloatArray
    world_from_camera: FloatArray
    objects: tuple[str, ...]
    view: NDArray[np.int64]
    world_from_tool: FloatArray
    width: FloatArray
    labels: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        depth = checked(self.depth, (None, None, None), np.float32, "depth", finite=False)
        views, n = len(depth), len(self.view)
        if depth.size:
            low, high = np.fmin.reduce(depth, axis=None), np.fmax.reduce(depth, axis=None)
            if low <= 0 or high > MAX_DEPTH:
                raise InputError(
                    given=f"depth from {low:g} to {high:g}",
                    wanted=f"metres above 0 and up to {MAX_DEPTH:g}, NaN where there is no return",
                )
        fields = {
            "depth": depth,
            "intrinsics": checked(self.intrinsics, (views, 3, 3), np.float64, "intrinsics"),
            "world_from_camera": _checked_poses(self.world_from_camera, views, "world_from_camera"),
            "objects": tuple(self.objects),
            "view": checked(self.view, (None,), np.int64, "view"),
            "world_from_tool": _checked_poses(self.world_from_tool, n, "world_from_tool"),
            "width": checked(self.width, (n,), np.float64, "width (m)"),
            "labels": {
                name: checked(values, (n,), np.float32, f"label {name}", finite=False)
                for name, values in self.labels.items()
            },
        }
        if len(self.objects) != views:
            raise InputError(
                given=f"{views} pictures and {len(self.objects)} objects",
                wanted="the name of an object for each picture",
            )
        if n and not (self.view.min() >= 0 and self.view.max() < views):
            raise InputError(
                given=f"views from {self.view.min()} to {self.view.max()}",
                wanted=f"indices of the {views} pictures",
            )
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.view)

    def grasp(self, index: int) -> Grasp:
        """Candidate `index` as an action.

        Raises:
            InputError: its pose is not as rigid as an action's must be.
        """
        return Grasp(self.world_from_tool[index], float(self.width[index]))

    def with_labels(self, names: Sequence[str]) -> Candidates:
        """The same candidates with only the labels called `names`.

        Raises:
            InputError: no such label.
        """
        for name in names:
            if name not in self.labels:
                raise unknown_name("label of candidates", name, self.labels)
        return replace(self, labels={name: self.labels[name] for name in names})

    def take(self, rows: NDArray[np.int64]) -> Candidates:
        """The candidates at `rows` (K,), with the pictures that they are seen in, each once."""
        views, view = np.unique(self.view[rows], return_inverse=True)
        return Candidates(
            depth=self.depth[views],
            intrinsics=self.intrinsics[views],
            world_from_camera=self.world_from_camera[views],
            objects=tuple(self.objects[i] for i in views),
            view=view.astype(np.int64),
            world_from_tool=self.world_from_tool[rows],
            width=self.width[rows],
            labels={name: values[rows] for name, values in self.labels.items()},
        )


def _checked_poses(values: FloatArray, count: int, name: str) -> FloatArray:
    poses: FloatArray = checked(values, (count, 4, 4), np.float64, name)
    rotation = poses[:, :3, :3]
    rigid = (
        np.isclose(rotation @ rotation.mT, np.eye(3), atol=_RIGID_TOLERANCE).all(axis=(1, 2))
        & (np.linalg.det(rotation) > 0)
        & (poses[:, 3] == (0, 0, 0, 1)).all(axis=1)
    )
    if not rigid.all():
        first = int(np.flatnonzero(~rigid)[0])
        raise InputError(
            given=f"{int((~rigid).sum())} {name} that are not rigid, for example {first}:\n"
            f"{poses[first]}",
            wanted="a rotation, a translation and a last row 0 0 0 1",
        )
    return poses
