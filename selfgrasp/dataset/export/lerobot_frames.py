"""What a LeRobot frame holds: feature declarations, the state and action vectors, and the
statistics that go with them."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.transform import Rotation

from selfgrasp.codec.action import ACTION_LENGTHS
from selfgrasp.core import CameraSpec

STATE_NAMES = ("x", "y", "z", "qx", "qy", "qz", "qw", "width", "force")
"""Of the hand: m, unit quaternion of world_from_tool, m, N."""

ACTION_NAMES = ("kind", "x", "y", "z", "qx", "qy", "qz", "qw", "width", "length")
"""Kind: index into grasp, push, move, close, release. Position (m) of the tool, start of a push,
translation of a move, or place of a release; orientation, about world +z alone for pushes and
moves; width (m) of a grasp; length (m) of a push. What a kind lacks is 0, and its orientation the
identity."""

_QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
_PICTURES_FOR_STATISTICS = 100


def color_key(camera: str) -> str:
    """The feature of a camera's colour."""
    return f"observation.images.{camera}"


def depth_key(camera: str) -> str:
    """The feature of a camera's depth."""
    return f"observation.images.{camera}_depth"


def depth_tiff(depth: NDArray[np.float32]) -> bytes:
    """Depth (H, W) m as a TIFF of 32-bit numbers, as LeRobot keeps raw depth; no return is 0."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.nan_to_num(depth, nan=0.0))
    image.save(buffer, format="TIFF", compression="tiff_adobe_deflate")
    return buffer.getvalue()


def features(cameras: Mapping[str, CameraSpec]) -> dict[str, object]:
    """LeRobot's feature declarations for the cameras of a cell, by name."""
    declared: dict[str, object] = {
        color_key(name): {
            "dtype": "image",
            "shape": [camera.height, camera.width, 3],
            "names": ["height", "width", "channels"],
        }
        for name, camera in cameras.items()
    }
    declared |= {
        depth_key(name): {
            "dtype": "image",
            "shape": [camera.height, camera.width, 1],
            "names": ["height", "width", "channels"],
            "info": {"is_depth_map": True, "depth_unit": "m"},
        }
        for name, camera in cameras.items()
        if camera.has_depth
    }
    declared["observation.state"] = {
        "dtype": "float32",
        "shape": [len(STATE_NAMES)],
        "names": list(STATE_NAMES),
    }
    declared["action"] = {
        "dtype": "float32",
        "shape": [len(ACTION_NAMES)],
        "names": list(ACTION_NAMES),
    }
    scalars = {
        "next.reward": "float32",
        "next.done": "bool",
        "next.success": "bool",
        "success": "bool",
        "timestamp": "float32",
    }
    scalars |= dict.fromkeys(("frame_index", "episode_index", "index", "task_index"), "int64")
    return declared | {
        name: {"dtype": dtype, "shape": [1], "names": None} for name, dtype in scalars.items()
    }


def state_vector(hand: Mapping[str, Any]) -> list[float]:
    """`STATE_NAMES` of a plain hand."""
    return [*_position_and_quaternion(hand["world_from_tool"]), hand["width"], hand["force"]]


def action_vector(action: Mapping[str, Any]) -> list[float]:
    """`ACTION_NAMES` of a plain action."""
    kind, values = float(list(ACTION_LENGTHS).index(action["kind"])), action["values"]
    match action["kind"]:
        case "grasp":
            return [kind, *_position_and_quaternion(values[:16]), values[16], 0.0]
        case "push":
            return [kind, *values[:3], *_about_z(values[3]), 0.0, values[4]]
        case "move":
            return [kind, *values[:3], *_about_z(values[3]), 0.0, 0.0]
        case "release":
            return [kind, *values, *_about_z(0.0), 0.0, 0.0]
        case _:
            return [kind, 0.0, 0.0, 0.0, *_about_z(0.0), 0.0, 0.0]


def task_of(goal: Mapping[str, Any]) -> str:
    """The goal in words, as LeRobot's language-conditioned policies read it."""
    if "any_of" in goal:
        return " or ".join(task_of(part) for part in goal["any_of"])
    if "category" in goal:
        return f"grasp the {goal['category']}"
    return "grasp the thing in the picture" if "image" in goal else "grasp anything"


class Statistics:
    """Minimum, maximum, mean, deviation and quantiles of every feature; of images from the first
    hundred."""

    def __init__(self) -> None:
        """Over no frame yet."""
        self._numbers: dict[str, list[Any]] = {}
        self._images: dict[str, list[NDArray[np.float64]]] = {}

    def add(self, numbers: Mapping[str, Any], images: Mapping[str, NDArray[np.float64]]) -> None:
        """One frame; images as (P, C) values of some pixels: colour in 0..1, depth in m."""
        for name, value in numbers.items():
            self._numbers.setdefault(name, []).append(value)
        for name, values in images.items():
            kept = self._images.setdefault(name, [])
            if len(kept) < _PICTURES_FOR_STATISTICS:
                kept.append(values)

    def summary(self) -> dict[str, dict[str, list[Any]]]:
        """As LeRobot's stats.json has it: numbers as lists of their own length, images as
        (C, 1, 1)."""
        summary = {
            name: _summary(np.array(values, dtype=np.float64).reshape(len(values), -1), len(values))
            for name, values in self._numbers.items()
        }
        for name, pictures in self._images.items():
            flat = _summary(np.concatenate(pictures), len(pictures))
            summary[name] = {
                key: value if key == "count" else [[[v]] for v in value]
                for key, value in flat.items()
            }
        return summary

    def columns(self) -> dict[str, list[Any]]:
        """The same as columns of an episode's row."""
        return {
            f"stats/{name}/{key}": value
            for name, values in self.summary().items()
            for key, value in values.items()
        }


def some_pixels(picture: NDArray[Any]) -> NDArray[np.float64]:
    """(P, C) values of a picture (H, W, C) at evenly spaced pixels, about 100 along each side."""
    rows, columns = (max(1, side // 100) for side in picture.shape[:2])
    return picture[::rows, ::columns].reshape(-1, picture.shape[2]).astype(np.float64)


def _summary(values: NDArray[np.float64], count: int) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {
        name: getattr(values, name)(axis=0).tolist() for name in ("min", "max", "mean", "std")
    }
    out["count"] = [count]
    quantiles = np.quantile(values, list(_QUANTILES.values()), axis=0)
    return out | {name: row.tolist() for name, row in zip(_QUANTILES, quantiles, strict=True)}


def _about_z(yaw: float) -> list[float]:
    return [0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)]


def _position_and_quaternion(pose: Sequence[float]) -> list[float]:
    """Position and (x, y, z, w) with w >= 0 of a (4, 4) pose by rows."""

    m = np.reshape(np.asarray(pose, dtype=np.float64), (4, 4))
    return [*m[:3, 3].tolist(), *Rotation.from_matrix(m[:3, :3]).as_quat(canonical=True).tolist()]
