"""Decodes pictures that strangers made: a header's size comes before decoding, and EXIF turns
nothing."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from selfgrasp.common.untrusted import read_bytes
from selfgrasp.core.errors import InputError

MOST_PIXELS = 64_000_000
_MOST_FILE_BYTES = 2**28
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "PPM", "GIF", "JPEG2000")
_OTHERS = ((b"\x76\x2f\x31\x01", "OpenEXR"), (b"#?RADIANCE", "Radiance HDR"), (b"%PDF", "PDF"))
_ORIENTATION = 274


def open_picture(path: Path, *, flags: int, wanted: str = "a PNG or JPEG") -> NDArray[Any]:
    """A picture as its pixels lie in the file, (H, W) or (H, W, C), of the file's type.

    Args:
        path: of a PNG, JPEG, TIFF, WebP, BMP, PGM, PFM, GIF or JPEG 2000.
        flags: of `cv2.imdecode`; orientation in EXIF is ignored whatever they say.
        wanted: what a message asks for.

    Raises:
        InputError: no such file, no picture, or one of more than `MOST_PIXELS`.
    """
    data = read_bytes(path, most_bytes=_MOST_FILE_BYTES)
    return decode_picture(data, name=str(path), flags=flags, wanted=wanted)


def decode_picture(data: bytes, *, name: str, flags: int, wanted: str) -> NDArray[Any]:
    """As `open_picture`, for the bytes of a file.

    Raises:
        InputError: no picture, or one of more than `MOST_PIXELS`.
    """
    kind = check_picture(data, name=name, wanted=wanted)
    # IMREAD_UNCHANGED is every bit set, and ignores orientation already; OpenCV's reader of TIFF
    # never does.
    flags = flags if flags < 0 else flags | cv2.IMREAD_IGNORE_ORIENTATION
    data = _without_orientation(data) if kind == "TIFF" else data
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (cv2.error, MemoryError):
        picture = None
    if picture is None:
        raise InputError(given=f"{name}, which does not decode as a picture", wanted=wanted)
    return np.asarray(picture)


def check_picture(data: bytes, *, name: str, wanted: str = "a picture") -> str:
    """The format that a picture's header names.

    Raises:
        InputError: no picture, or one of more than `MOST_PIXELS`.
    """
    for mark, format in _OTHERS:
        if data.startswith(mark):
            raise InputError(given=f"{name}, which is {format}", wanted=wanted)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as header:
                (width, height), kind = header.size, str(header.format)
    except Image.DecompressionBombError as error:
        raise InputError(
            given=f"{name}, a picture of more than {MOST_PIXELS} pixels",
            wanted=f"at most {MOST_PIXELS}",
        ) from error
    except Exception as error:  # whatever a decoder makes of a stranger's bytes
        raise InputError(
            given=f"{name}, which does not decode as a picture", wanted=wanted
        ) from error
    if width * height > MOST_PIXELS:
        raise InputError(
            given=f"{name}, a picture of {width} x {height} px",
            wanted=f"at most {MOST_PIXELS} pixels",
        )
    return kind


def _without_orientation(data: bytes) -> bytes:
    """A TIFF whose orientation is that of its pixels; as it is where it cannot be followed."""
    order = "<" if data[:2] == b"II" else ">"
    if struct.unpack_from(f"{order}H", data, 2)[0] != 42:
        return data
    edited = bytearray(data)
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", data, at)
            if tag == _ORIENTATION and kind == 3:
                struct.pack_into(f"{order}H", edited, at + 8, 1)
    except struct.error:
        return data
    return bytes(edited)
