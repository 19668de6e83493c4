"""A sheet of score maps: one small picture a direction, seen from above."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Heat
from selfgrasp.viz.heat import HEAT_MAP, Span
from selfgrasp.viz.picture import Color, Picture, colormap, write_text

_EMPTY: Color = (46, 49, 56)
_SIGN: Color = (255, 255, 255)
_EDGE = 2
_SIGN_PX = 13
"""Half the length of the bar or arrow that shows a direction, from its middle."""


def heat_sheet(
    heat: Heat,
    *,
    span: Span | None = None,
    columns: int = 8,
    pixels: int = 168,
) -> Picture:
    """(rows, columns * pixels, 3) uint8: each layer from above, the map's y upwards, with its
    direction in the corner (a bar for grasps, an arrow for pushes) and its best score.

    Args:
        heat: of any number of directions.
        span: the scores at both ends of the colours; from the map by default.
        columns: pictures in a row.
        pixels: of a picture's side.
    """
    span = span or Span.of(heat)
    tiles = [
        _tile(layer, angle, heat.of_pushes, span, pixels)
        for layer, angle in zip(heat.values, heat.angles.tolist(), strict=True)
    ]
    columns = min(columns, max(len(tiles), 1))
    while len(tiles) % columns or not tiles:
        tiles.append(np.full((pixels, pixels, 3), _EMPTY, np.uint8))
    rows = [np.hstack(tiles[at : at + columns]) for at in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _tile(
    layer: NDArray[np.float32], angle: float, pushes: bool, span: Span, pixels: int
) -> Picture:
    scored = np.isfinite(layer)
    colors = np.where(
        scored[..., None], colormap(span.share(layer), HEAT_MAP), np.array(_EMPTY, np.uint8)
    )
    side = pixels - 2 * _EDGE
    # Rows of a map run along +y: shown upwards, as a camera above sees the table.
    shown = cv2.resize(
        np.ascontiguousarray(colors[::-1]), (side, side), interpolation=cv2.INTER_NEAREST
    )
    tile = np.full((pixels, pixels, 3), 16, np.uint8)
    tile[_EDGE:-_EDGE, _EDGE:-_EDGE] = shown
    if np.isfinite(angle):
        _draw_direction(tile, angle, pushes)
    best = f"{layer[scored].max():.2f}" if scored.any() else "none"
    write_text(tile, best, at=(pixels - 8, 14), size=13, color=_SIGN, anchor="rm")
    return tile


def _draw_direction(tile: Picture, angle: float, arrow: bool) -> None:
    middle = np.array([_SIGN_PX + 6.0, _SIGN_PX + 6.0])
    along = _SIGN_PX * np.array([np.cos(angle), -np.sin(angle)])
    start, end = ((round(p[0]), round(p[1])) for p in (middle - along, middle + along))
    if arrow:
        cv2.arrowedLine(tile, start, end, _SIGN, 2, cv2.LINE_AA, tipLength=0.35)
    else:
        cv2.line(tile, start, end, _SIGN, 2, cv2.LINE_AA)
