"""Ranked grasps as they lie on a scene, over the patches around them: what a network likes, beside
what it was offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Grasp, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.viz.draw import FINGER_BREADTH, Canvas
from selfgrasp.viz.heat import HEAT_MAP
from selfgrasp.viz.picture import Color, Picture, colormap, write_text

_GROUND: Color = (22, 24, 29)
_TEXT: Color = (232, 230, 224)
_HALO: Color = (16, 18, 22)
_TITLE, _SCALE, _GAP, _BESIDE = 46, 44, 5, 18
_TEXT_SIZE = 22
# The dark end of the colours would be lost on a dark ground.
_DARKEST = 0.3


@dataclass(frozen=True, eq=False)
class Ranked:
    """Grasps from the best to the worst.

    Attributes:
        title: what they are.
        grasps: (N,) of them.
        scores: (N,) 0..1, in their colours.
        patches: (N, p, p, 3) uint8, the squares around them seen from above, each turned so that
            its fingers close along the picture's horizontal.
    """

    title: str
    grasps: Sequence[Grasp]
    scores: FloatArray
    patches: NDArray[np.uint8]


def patches_picture(
    view: View,
    groups: Sequence[Ranked],
    *,
    side: float,
    scale: int = 3,
    columns: int = 5,
    breadth: float = FINGER_BREADTH,
    words: str = "probability",
) -> Picture:
    """The scene with each group's grasps, side by side, over the group's patches row by row, over
    the scale of the colours.

    Args:
        view: what was seen.
        groups: at least one; all with as many grasps leave no empty tiles.
        side: m, of a patch.
        scale: canvas pixels a camera pixel.
        columns: patches in a row.
        breadth: m of a finger across the closing direction.
        words: what the scores are.
    """
    rows = max(-(-len(group.grasps) // columns) for group in groups)
    panels = [_panel(view, group, side, scale, columns, rows, breadth) for group in groups]
    between = np.full((panels[0].shape[0], _BESIDE, 3), _GROUND, np.uint8)
    beside = np.hstack([part for panel in panels for part in (panel, between)][:-1])
    return np.vstack([beside, _color_scale(beside.shape[1], words)])


def score_color(score: float) -> Color:
    """The colour of a score 0..1, from purple to yellow."""
    share = _DARKEST + (1 - _DARKEST) * float(np.clip(np.nan_to_num(score), 0.0, 1.0))
    red, green, blue = colormap(np.full((1, 1), share, np.float32), HEAT_MAP)[0, 0]
    return int(red), int(green), int(blue)


def _panel(
    view: View, group: Ranked, side: float, scale: int, columns: int, rows: int, breadth: float
) -> Picture:
    canvas = Canvas(view, scale=scale)
    for grasp, score in reversed(list(zip(group.grasps, group.scores, strict=True))):
        canvas.grasp(grasp, score_color(score), breadth=breadth, weight=0.7)
    scene = canvas.picture
    title = np.full((_TITLE, scene.shape[1], 3), _GROUND, np.uint8)
    write_text(title, group.title, at=(6, _TITLE // 2), size=_TEXT_SIZE, color=_TEXT, anchor="lm")
    return np.vstack([title, scene, _tiles(group, side, scene.shape[1], columns, rows, breadth)])


def _tiles(
    group: Ranked, side: float, width: int, columns: int, rows: int, breadth: float
) -> Picture:
    """The patches in rows, best first, framed in the colours of their scores."""
    pixels = (width - (columns - 1) * _GAP) // columns
    sheet = np.full((rows * (pixels + _GAP), width, 3), _GROUND, np.uint8)
    for index, (grasp, score, patch) in enumerate(
        zip(group.grasps, group.scores, group.patches, strict=True)
    ):
        top, left = (_GAP + index // columns * (pixels + _GAP), index % columns * (pixels + _GAP))
        sheet[top : top + pixels, left : left + pixels] = patch_tile(
            grasp, score_color(score), patch, side=side, pixels=pixels, breadth=breadth
        )
    return sheet


def patch_tile(
    grasp: Grasp,
    color: Color,
    patch: NDArray[np.uint8],
    *,
    side: float,
    pixels: int,
    breadth: float = FINGER_BREADTH,
    smooth: bool = True,
) -> Picture:
    """(pixels, pixels, 3): a patch with the fingers of its grasp, in a frame.

    Args:
        grasp: whose fingers close along the patch's horizontal.
        color: of fingers and frame.
        patch: (p, p, 3) uint8 around the point between the fingertips.
        side: m, of the patch.
        pixels: of a side.
        breadth: m of a finger across the closing direction.
        smooth: whether it is enlarged smoothly; else its own pixels are seen.
    """
    how = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
    tile: Picture = np.ascontiguousarray(
        cv2.resize(patch, (pixels, pixels), interpolation=how), dtype=np.uint8
    )
    middle, half, end = pixels / 2, grasp.width / 2 * pixels / side, breadth / 2 * pixels / side
    for line, thickness in ((_HALO, 4), (color, 2)):
        for x in (middle - half, middle + half):
            _line(tile, (x, middle - end), (x, middle + end), line, thickness)
    cv2.rectangle(tile, (1, 1), (pixels - 2, pixels - 2), color, 3)
    return tile


def _line(
    picture: Picture,
    start: tuple[float, float],
    end: tuple[float, float],
    color: Color,
    thickness: int,
) -> None:
    """OpenCV counts from pixel centres."""
    (x0, y0), (x1, y1) = ((round(16 * (x - 0.5)), round(16 * (y - 0.5))) for x, y in (start, end))
    cv2.line(picture, (x0, y0), (x1, y1), color, thickness, cv2.LINE_AA, 4)


def _color_scale(width: int, words: str) -> Picture:
    strip = np.full((_SCALE, width, 3), _GROUND, np.uint8)
    left, right, middle = width // 2 - 110, width // 2 + 110, _SCALE // 2 + 3
    for x in range(left, right):
        strip[middle - 6 : middle + 6, x] = score_color((x - left) / (right - 1 - left))
    write_text(
        strip, f"{words}: 0", at=(left - 10, middle), size=_TEXT_SIZE - 2, color=_TEXT, anchor="rm"
    )
    write_text(strip, "1", at=(right + 10, middle), size=_TEXT_SIZE - 2, color=_TEXT, anchor="lm")
    return strip
