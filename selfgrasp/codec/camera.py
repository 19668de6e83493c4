"""A camera file fitted to the picture that it was given beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from selfgrasp.codec.azure import azure_cameras
from selfgrasp.codec.camera_description import Described, Pictures
from selfgrasp.codec.camera_tree import plain_key, read_tree
from selfgrasp.codec.depth_scale import depth_scales
from selfgrasp.codec.intrinsics import WANTED, cameras_in
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.lens import Lens
from selfgrasp.core.observation import checked_intrinsics

PixelOrigin = Literal["centre", "corner"]
"""Where (0, 0) of the intrinsics lies: at the centre of the top-left pixel (OpenCV, ROS, RealSense)
or at its corner (selfgrasp)."""

_COLOR = ("color", "colour", "rgb")
_OFF_CENTRE = 0.1
"""share of a picture's side; 0.17 is the matrix of a picture three quarters as large."""


@dataclass(frozen=True)
class CameraReading:
    """How a camera file is to be read.

    Attributes:
        origin: where (0, 0) of its intrinsics lies.
        pictures: "raw" as the lens made them, or "rectified" already.
        camera: a part of the camera's place in a file of several; None takes the one that fits.
        sensor: "color" or "depth", which goes first among several that fit.
    """

    origin: PixelOrigin = "centre"
    pictures: Pictures = "raw"
    camera: str | None = None
    sensor: Literal["color", "depth"] = "color"


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera of a picture.

    Attributes:
        intrinsics: (3, 3) px of the picture as it lies in its file, selfgrasp's convention: the
            centre of the top-left pixel is (0.5, 0.5).
        lens: that the picture has to be undistorted from; None for none.
        target: (3, 3) px of the undistorted picture.
        depth_scales: what the file says of the depth picture's unit.
        notes: what was assumed, in words.
    """

    intrinsics: FloatArray
    lens: Lens | None
    target: FloatArray
    depth_scales: tuple[float | str, ...]
    notes: tuple[str, ...]


def read_camera(
    path: Path,
    height: int,
    width: int,
    reading: CameraReading | None = None,
) -> Camera:
    """The camera in a file that a picture of `height` x `width` px was taken by.

    Understood are the spellings of ROS 1 and 2 (camera info, also as `topic echo` writes it),
    RealSense, Azure Kinect, Zivid, Open3D, Kalibr, OpenCV, BOP and rows of numbers, in JSON, YAML
    or OpenCV's XML.

    Raises:
        InputError: no such file, none or several such cameras, a lens that is not known, or
            intrinsics made for a picture of another size.
    """
    reading = reading or CameraReading()
    messages = read_tree(path)
    found = [
        camera
        for message in messages
        for camera in (*cameras_in(message), *azure_cameras(message, height, width))
    ]
    if not found:
        keys = ", ".join(sorted({k for one in messages if isinstance(one, dict) for k in one}))
        kind = type(messages[0]).__name__ if messages else "nothing"
        raise InputError(given=f"intrinsics {path}", wanted=WANTED, exists=keys[:300] or kind)
    chosen = _chosen(found, path, (height, width), reading)
    window, said = _window(chosen, path, (height, width))
    shift = 0.5 if reading.origin == "centre" else 0.0
    k, lens, notes = _matrix(chosen, path, reading.pictures)
    intrinsics = _in_picture(k, shift, window)
    _require_near_middle(intrinsics, path, (height, width), chosen)
    target = intrinsics
    if lens is not None and chosen.projection is not None and not chosen.turned:
        target = _in_picture(chosen.projection, shift, window)
    scales = chosen.depth_scales or [one for message in messages for one in depth_scales(message)]
    intrinsics, target = (checked_intrinsics(one, height, width) for one in (intrinsics, target))
    return Camera(intrinsics, lens, target, tuple(dict.fromkeys(scales)), (*said, *notes))


def _chosen(
    found: Sequence[Described], path: Path, size: tuple[int, int], reading: CameraReading
) -> Described:
    named = _named(found, reading.camera)
    if not named:
        raise InputError(
            given=f"--camera {reading.camera} of {path}",
            wanted="a camera of the file",
            exists=", ".join(one.where or "(without a name)" for one in found[:12]),
        )
    words = _COLOR if reading.sensor == "color" else ("depth",)
    named = [one for one in named if _fits(one, size)] or named
    named = [one for one in named if any(word in one.where for word in words)] or named
    named = [one for one in named if one.size is not None] or named
    first = named[0]
    if any(_key(one) != _key(first) for one in named):
        raise InputError(
            given=f"{path} with {len(named)} cameras for a picture of {size[1]} x {size[0]} px",
            wanted="one, chosen by --camera",
            exists=", ".join(one.where or "(without a name)" for one in named[:12]),
        )
    return first


def _named(found: Sequence[Described], name: str | None) -> list[Described]:
    """Those that are called `name`, or else in whose place it stands: 1 is not 10."""
    if name is None:
        return list(found)
    wanted = [plain_key(part) for part in name.split("/")]
    exact = [one for one in found if set(wanted) <= set(one.where.split("/"))]
    return exact or [one for one in found if "/".join(wanted) in one.where]


def _key(one: Described) -> tuple[object, ...]:
    projection = None if one.projection is None else one.projection.round(6).tobytes()
    return one.matrix.round(6).tobytes(), projection, one.size, one.region, one.binning, one.lens


def _read_size(one: Described) -> tuple[int, int] | None:
    """(height, width) px of what is read of the sensor, after binning."""
    _, _, width, height = one.region
    if not (width and height):
        if one.size is None:
            return None
        height, width = one.size
    return int(height // one.binning[1]), int(width // one.binning[0])


def _fits(one: Described, size: tuple[int, int]) -> bool:
    return size in (_read_size(one), one.size)


@dataclass(frozen=True)
class _Window:
    """What the picture shows of the sensor: px from its corner, and px that became one."""

    x: float = 0.0
    y: float = 0.0
    across: float = 1.0
    down: float = 1.0


def _window(one: Described, path: Path, size: tuple[int, int]) -> tuple[_Window, tuple[str, ...]]:
    read = _read_size(one)
    whole = one.region[2] == 0 or one.region[3] == 0
    window = _Window(*((0.0, 0.0) if whole else one.region[:2]), *one.binning)
    beyond = one.size is not None and (
        one.region[0] + one.region[2] > one.size[1] or one.region[1] + one.region[3] > one.size[0]
    )
    if one.size == size and (read != size or beyond):
        return _Window(), (
            f"{path.name} names a region or binning, and the picture has the size that the matrix "
            "was made for: they were not applied",
        )
    if read is None or read == size:
        return window, ()
    made = f"{read[1]} x {read[0]}"
    full = "" if one.size in (None, read) else f" (of a sensor of {one.size[1]} x {one.size[0]})"
    raise InputError(
        given=f"intrinsics {path} made for {made} px{full}",
        wanted=f"intrinsics for the picture's {size[1]} x {size[0]} px (a resized picture "
        "needs fx, fy, cx and cy resized alike)",
    )


def _matrix(
    one: Described, path: Path, pictures: Pictures
) -> tuple[FloatArray, Lens | None, tuple[str, ...]]:
    """The matrix as written, the lens to undistort, and what was assumed."""
    if not np.isfinite(one.matrix).all():
        raise InputError(given=f"intrinsics {path} with NaN or infinity", wanted="finite numbers")
    if pictures == "rectified":
        rectified = one.matrix if one.projection is None else one.projection
        return rectified, None, ()
    if not one.matrix.any():
        if one.projection is None:
            raise InputError(
                given=f"intrinsics {path} of zeros, as cameras write that were never calibrated",
                wanted="a calibrated camera",
            )
        return (
            one.projection,
            None,
            (f"{path.name} has a projection matrix alone: pictures were taken as rectified",),
        )
    if one.lens is not None:
        return (
            one.matrix,
            one.lens,
            (
                f"colour and depth were undistorted by the lens of {path.name} "
                f"({one.lens.model}, {len(one.lens.coefficients)} coefficients); pixels are those "
                "of the undistorted picture; for pictures that are rectified already say "
                "--pictures rectified",
            ),
        )
    if one.projection is not None and np.abs(one.projection - one.matrix).max() > 0.5:
        return (
            one.matrix,
            None,
            (
                f"K and the projection matrix P of {path.name} differ: K was taken, as for raw "
                "pictures; for rectified ones say --pictures rectified",
            ),
        )
    return one.matrix, None, ()


def _in_picture(matrix: FloatArray, shift: float, window: _Window) -> FloatArray:
    """(3, 3) px of the picture, selfgrasp's convention."""
    k = np.array(matrix / matrix[2, 2] if matrix[2, 2] else matrix, dtype=np.float64)
    k[:2, 2] += shift - np.array([window.x, window.y])
    k[0] /= window.across
    k[1] /= window.down
    return k


def _require_near_middle(k: FloatArray, path: Path, size: tuple[int, int], one: Described) -> None:
    off_centre = max(abs(k[0, 2] / size[1] - 0.5), abs(k[1, 2] / size[0] - 0.5))
    if one.size is None and off_centre > _OFF_CENTRE:
        raise InputError(
            given=f"intrinsics {path} with principal point ({k[0, 2]:g}, {k[1, 2]:g}) for "
            f"a picture of {size[1]} x {size[0]} px",
            wanted="one near the picture's middle (were they made for another resolution?); for a "
            "cropped picture say its width and height in the file",
        )
