"""A picture from files: colour and depth of one pinhole camera, whatever cameras took them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.codec.camera import Camera, CameraReading, PixelOrigin, read_camera
from selfgrasp.codec.camera_description import Pictures
from selfgrasp.codec.camera_files import read_color, read_pose
from selfgrasp.codec.depth_file import depth_size, read_depth, unit_note
from selfgrasp.common.untrusted_pictures import open_picture
from selfgrasp.core import InputError
from selfgrasp.core.arrays import FloatArray
from selfgrasp.vision.lens import undistorted_color, undistorted_depth
from selfgrasp.vision.onto_color import depth_onto_color


@dataclass(frozen=True)
class PictureFiles:
    """Where a picture is, and how its files are to be read.

    Attributes:
        color: PNG or JPEG.
        depth: 16-bit PNG or NumPy array, of the same size or with `depth_intrinsics`.
        intrinsics: of the colour picture; JSON, YAML, OpenCV's XML or rows of numbers, see
            `codec.camera`.
        depth_intrinsics: of the depth picture where another camera took it.
        color_from_depth: (4, 4) between the two cameras.
        pose: (4, 4) world_from_camera of the colour camera; None finds the table in the depth
            picture.
        table: m, height of the table in the world; None where most of the picture lies.
        depth_scale: m per unit of the depth file; None is the file's usual one.
        pixel_origin: where (0, 0) of the intrinsics lies in the top-left pixel.
        pictures: whether they are raw or rectified.
        camera: which camera of the intrinsics file.
        depth_camera: which camera of the depth picture's intrinsics file.
        mask: a picture of the colour picture's size; grasps are wanted where it is not black.
        polygon: (N, 2) px, corners in the colour picture of where grasps are wanted; or empty.
    """

    color: Path
    depth: Path
    intrinsics: Path
    depth_intrinsics: Path | None = None
    color_from_depth: Path | None = None
    pose: Path | None = None
    table: float | None = None
    depth_scale: float | None = None
    pixel_origin: PixelOrigin = "centre"
    pictures: Pictures = "raw"
    camera: str | None = None
    depth_camera: str | None = None
    mask: Path | None = None
    polygon: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Pictures3D:
    """What the files hold.

    Attributes:
        color: (H, W, 3) uint8.
        depth: (H, W) float32 m.
        intrinsics: (3, 3) px.
        wanted: (H, W) bool, where grasps are wanted; None for everywhere.
        notes: what was assumed, in words.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    intrinsics: FloatArray
    wanted: NDArray[np.bool_] | None
    notes: tuple[str, ...]


def read_pictures(files: PictureFiles, *, opening: float) -> Pictures3D:
    """Colour and depth on one grid, without distortion.

    Args:
        files: the picture.
        opening: m, of the gripper; against it a unit of depth is judged.

    Raises:
        InputError: a file that is missing, malformed, or does not fit the others.
    """
    color = read_color(files.color)
    camera = read_camera(
        files.intrinsics,
        color.shape[0],
        color.shape[1],
        CameraReading(files.pixel_origin, files.pictures, files.camera),
    )
    wanted = _wanted(files, color.shape[:2])
    if camera.lens is not None:
        color = undistorted_color(color, camera.intrinsics, camera.lens, camera.target)
        if wanted is not None:
            wanted = _undistorted(wanted.astype(np.float32), camera) > 0.5
    depth, notes = _depth(files, camera, color.shape[:2], opening)
    return Pictures3D(color, depth, camera.target, wanted, notes)


def _depth(
    files: PictureFiles, camera: Camera, size: tuple[int, int], opening: float
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """The depth picture on the colour picture's grid, and all notes."""
    if (files.depth_intrinsics is None) != (files.color_from_depth is None):
        raise InputError(
            given="one of --depth-intrinsics and --color-from-depth",
            wanted="both, where another camera took the depth picture; or neither",
        )
    if files.depth_intrinsics is not None and files.color_from_depth is not None:
        own = read_camera(
            files.depth_intrinsics,
            *depth_size(files.depth),
            CameraReading(files.pixel_origin, files.pictures, files.depth_camera, sensor="depth"),
        )
    else:
        own = camera
    scales = own.depth_scales or camera.depth_scales
    read = read_depth(files.depth, scale=files.depth_scale, scales=scales)
    if own is camera and read.depth.shape != size:
        raise InputError(
            given=f"depth of {read.depth.shape[1]} x {read.depth.shape[0]} px beside color of "
            f"{size[1]} x {size[0]} px",
            wanted="the same size, with the depth registered to the color picture; or "
            "--depth-intrinsics and --color-from-depth",
        )
    said = unit_note(read, own.target, opening, files.depth)
    depth = read.depth if own.lens is None else _undistorted(read.depth, own)
    if files.color_from_depth is not None:
        color_from_depth = read_pose(files.color_from_depth, "color_from_depth")
        depth = depth_onto_color(depth, own.target, camera.target, color_from_depth, size)
        if not np.isfinite(depth).any():
            raise InputError(
                given=f"{files.depth} that lies outside of {files.color} by "
                f"{files.color_from_depth}",
                wanted="color_from_depth of cameras that look at the same place",
            )
    notes = dict.fromkeys((*camera.notes, *own.notes, *read.notes, *([said] if said else [])))
    return depth, tuple(notes)


def _undistorted(depth: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    assert camera.lens is not None
    return undistorted_depth(depth, camera.intrinsics, camera.lens, camera.target)


def _wanted(files: PictureFiles, size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """(H, W) bool where the mask and the polygon want grasps."""
    wanted: NDArray[np.bool_] | None = None
    if files.mask is not None:
        wanted = _mask(files.mask)
        if wanted.shape != size:
            raise InputError(
                given=f"mask {files.mask} of {wanted.shape[1]} x {wanted.shape[0]} px beside color "
                f"of {size[1]} x {size[0]} px",
                wanted="the same size",
            )
        if not wanted.any():
            raise InputError(
                given=f"mask {files.mask}, which is black or transparent",
                wanted="white where grasps are wanted",
            )
    if files.polygon:
        drawn = np.zeros(size, np.uint8)
        # OpenCV counts from pixel centres.
        corners = np.rint((np.array(files.polygon) - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(drawn, [corners], 1, shift=4)
        if not drawn.any():
            raise InputError(
                given=f"polygon {files.polygon} outside of the picture",
                wanted=f"corners in {size[1]} x {size[0]} px",
            )
        wanted = drawn > 0 if wanted is None else wanted & (drawn > 0)
    return wanted


def _mask(path: Path) -> NDArray[np.bool_]:
    """(H, W) bool where a picture is neither black nor transparent; in a JPEG, whose edges ring,
    where it is brighter than half."""
    mask = open_picture(path, flags=cv2.IMREAD_UNCHANGED, wanted="a mask, PNG")
    least = 127 if path.suffix.lower() in (".jpg", ".jpeg") else 0
    marked = np.asarray((mask if mask.ndim == 2 else mask[..., :3].max(axis=-1)) > least)
    if mask.ndim == 3 and mask.shape[2] == 4:
        marked &= mask[..., 3] > 0
    return marked
