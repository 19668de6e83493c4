"""Pictures to bytes and into pages, and colours for depth."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from selfgrasp.common.files import regular_file_in
from selfgrasp.common.untrusted import read_bytes
from selfgrasp.common.untrusted_pictures import check_picture
from selfgrasp.core import InputError

Picture = NDArray[np.uint8]
"""(H, W, 3) uint8 sRGB."""

Color = tuple[int, int, int]
"""sRGB, 0..255."""

_MEDIA_TYPES = {
    ".webp": "image/webp",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".svg": "image/svg+xml",
}


MOST_PICTURE_BYTES = 32_000_000


def encode_webp(picture: Picture, *, quality: int = 84) -> bytes:
    """An (H, W, 3) picture as lossy WebP; `quality` 0..100."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="WEBP", quality=quality, method=3)
    return buffer.getvalue()


def data_uri(picture: Picture | Path) -> str:
    """An array or an image file as a `data:` address, so that a page needs no other file.

    Raises:
        InputError: a file of another kind than an image.
    """
    if not isinstance(picture, Path):
        return "data:image/webp;base64," + base64.b64encode(encode_webp(picture)).decode()
    media = _MEDIA_TYPES.get(picture.suffix.lower())
    if media is None:
        raise InputError(
            given=f"picture {picture}", wanted="an image file", exists=", ".join(_MEDIA_TYPES)
        )
    return f"data:{media};base64," + base64.b64encode(picture.read_bytes()).decode()


def size_of(picture: Picture | Path) -> tuple[int, int]:
    """(width, height) in pixels."""
    if isinstance(picture, Path):
        with Image.open(picture) as opened:
            return opened.size
    return picture.shape[1], picture.shape[0]


def is_shown(path: Path) -> bool:
    """Whether a page can show the picture at `path`: a file in its folder itself, neither of them a
    link, of at most `MOST_PICTURE_BYTES` and a size that its header tells."""
    if not regular_file_in(path.parent, path.name) or path.suffix.lower() not in _MEDIA_TYPES:
        return False
    try:
        check_picture(read_bytes(path, most_bytes=MOST_PICTURE_BYTES), name=str(path))
    except InputError:
        return False
    return True


def upscale(picture: Picture, scale: int) -> Picture:
    """`scale` times larger, smoothly; the picture's outline stays where it is."""
    height, width = picture.shape[:2]
    return np.asarray(
        cv2.resize(picture, (width * scale, height * scale), interpolation=cv2.INTER_CUBIC),
        dtype=np.uint8,
    )


def depth_picture(depth: NDArray[np.float32], *, scale: int = 3) -> Picture:
    """Depth (H, W) m as colours, near bright and far dark; no return is a flat grey."""
    finite = np.isfinite(depth)
    if not finite.any():
        return np.full((depth.shape[0] * scale, depth.shape[1] * scale, 3), 120, np.uint8)
    near, far = np.percentile(depth[finite], (0.5, 99.5))
    nearness = np.clip((far - np.where(finite, depth, far)) / max(far - near, 1e-6), 0.0, 1.0)
    colors = colormap(nearness.astype(np.float32), cv2.COLORMAP_VIRIDIS)
    large = upscale(colors, scale)
    holes = (
        cv2.resize(
            finite.astype(np.uint8),
            (large.shape[1], large.shape[0]),
            interpolation=cv2.INTER_NEAREST,
        )
        == 0
    )
    large[holes] = (120, 120, 126)
    return large


def colormap(values: NDArray[np.float32], name: int) -> Picture:
    """(H, W) values 0..1 through one of OpenCV's perceptual colour maps, as (H, W, 3) sRGB."""
    table = cv2.applyColorMap((values * 255).astype(np.uint8), name)
    return np.ascontiguousarray(table[..., ::-1])


def write_text(
    picture: Picture,
    text: str,
    *,
    at: tuple[int, int],
    size: int,
    color: Color,
    anchor: str = "la",
    halo: int = 0,
) -> None:
    """Writes into `picture` at (x, y) px; `anchor` as in Pillow ("la": left, top; "mm": middle);
    with a dark edge of `halo` px."""
    drawing = Image.fromarray(picture)
    font = ImageFont.load_default(size)
    ImageDraw.Draw(drawing).text(
        at, text, fill=color, font=font, anchor=anchor, stroke_width=halo, stroke_fill=(16, 18, 22)
    )
    picture[:] = np.asarray(drawing)
