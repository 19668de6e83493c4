"""Where in one picture the object of another one is, by an embedding: two pictures of one's own,
of which nothing is known but their colors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.codec.camera_files import read_color
from selfgrasp.core import CellSpec, Embedding, Heat2D, InputError, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.rollout.embeddings import FEATURES, load_embedding, resolve_embedding
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig, kuka_bin_spec

LEAST_CONTRAST = 8
"""Of 255, between the darkest and the brightest place of a picture in any color; below it the
picture is blank."""
_LEAST_PX, _PLACES_PX = 8, 64
"""Shorter side of the smallest picture, and longer side of one whose pixels are the places."""


@dataclass(frozen=True, eq=False)
class FoundInPicture:
    """The likeliest place of an object.

    Attributes:
        px: (2,) x and y in the scene's picture.
        similarity: of the place to the object, see `Heat2D.similarity`.
        threshold: of the similarity, below which the object counts as not there; None where the
            embedding has none.
        heat: over the scene's picture.
    """

    px: FloatArray
    similarity: float
    threshold: float | None
    heat: Heat2D

    @property
    def there(self) -> bool | None:
        """Whether the object counts as there; None where there is no threshold."""
        return None if self.threshold is None else self.similarity >= self.threshold


def picture_spec() -> CellSpec:
    """The cell whose pictures embeddings learn from; of a picture without a calibration nothing in
    it is read."""
    return kuka_bin_spec(KukaBinConfig())


def read_embedding(text: str) -> Embedding:
    """The embedding that `text` names, see `resolve_embedding`.

    Raises:
        InputError: no such embedding, or a file of vectors.
    """
    ref = resolve_embedding(text)
    embedding = load_embedding(ref)
    if embedding is None:
        raise InputError(
            given=f"policy {text!r}, {FEATURES} of stored attempts",
            wanted="an embedding that looks at new pictures",
        )
    return embedding


def read_picture(path: Path, shows: str) -> View:
    """A picture without a calibration, from a PNG, JPEG, WebP, BMP, TIFF or GIF of any size.

    Args:
        path: of the file.
        shows: what it is to show, for messages: "object", "scene".

    Raises:
        InputError: no such file, no picture, one of fewer than 8 px a side, or a blank one.
    """
    color = read_color(path)
    height, width = color.shape[:2]
    if min(height, width) < _LEAST_PX:
        raise InputError(
            given=f"{path}, a picture of {width} x {height} px",
            wanted=f"{_LEAST_PX} px a side or more",
        )
    found = contrast(color)
    if found < LEAST_CONTRAST:
        raise InputError(
            given=f"{path}, a blank picture, whose colors differ by {found} of 255",
            wanted=f"a picture of the {shows}",
        )
    return View.uncalibrated(color)


def contrast(color: NDArray[np.uint8]) -> int:
    """0..255, the largest difference between two places of a picture (H, W, 3) in one color; single
    pixels of a large picture, which are noise, do not count."""
    height, width = color.shape[:2]
    scale = min(1.0, _PLACES_PX / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = cv2.resize(color, size, interpolation=cv2.INTER_AREA).astype(np.int64)
    return int((small.max(axis=(0, 1)) - small.min(axis=(0, 1))).max())


def find_in_picture(embedding: Embedding, scene: View, shown: View) -> FoundInPicture:
    """Where in a scene an object is.

    Args:
        embedding: whose opinion; its attribute `not_found_threshold`, if it has one, says from
            which similarity on it is sure.
        scene: without a calibration, or of the cell `kuka_bin`.
        shown: the object alone, without a calibration, or a present image of that cell.
    """
    spec = picture_spec()
    vector = embedding.objects([shown], spec)[0]
    heat = embedding.heat(scene, vector, spec)
    height, width = scene.size
    px: FloatArray = np.clip(heat.peak_px, 0.0, (width, height))
    threshold: float | None = getattr(embedding, "not_found_threshold", None)
    return FoundInPicture(px, heat.similarity(vector), threshold, heat)
