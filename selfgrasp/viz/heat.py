"""A policy's opinion laid over what the camera saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Grasp, Heat, Push, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, inverse
from selfgrasp.vision.project import on_plane, world_points
from selfgrasp.viz.draw import FINGER_BREADTH, Canvas
from selfgrasp.viz.picture import Color, Picture, colormap

HEAT_MAP = cv2.COLORMAP_PLASMA
CHOSEN_COLOR: Color = (120, 255, 190)
BAR_LENGTH = 0.02
"""Metres, of the bars that show the best closing direction of a place."""
ARROW_LENGTH = 0.03
"""Metres, of the arrows that show the best direction of a push from a place."""
_WIDTH = 960
"""px of an overlay that stands beside others, about."""
_DIRECTION_COLOR: Color = (255, 255, 255)


@dataclass(frozen=True)
class Span:
    """The scores that the two ends of the colour scale stand for."""

    low: float
    high: float

    @staticmethod
    def of(*heats: Heat) -> Span:
        """From the 10th percentile of the places' best scores to the highest one; 0 to 1 for empty
        maps."""
        best = np.concatenate([best_by_place(heat).ravel() for heat in heats])
        finite = best[np.isfinite(best)]
        if not finite.size:
            return Span(0.0, 1.0)
        low, high = float(np.percentile(finite, 10)), float(finite.max())
        return Span(low, high if high > low else low + 1e-6)

    def share(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values as 0..1 of the span; what was not scored is 0."""
        clipped = np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)
        share: NDArray[np.float32] = np.nan_to_num(clipped).astype(np.float32)
        return share


def best_by_place(heat: Heat) -> NDArray[np.float32]:
    """(H, W) the best score over all angles; NaN where nothing was scored."""
    filled = np.where(np.isnan(heat.values), -np.inf, heat.values).max(axis=0)
    return np.where(np.isneginf(filled), np.nan, filled).astype(np.float32)


def heat_overlay(
    view: View,
    heat: Heat,
    *,
    surface: float,
    chosen: Grasp | Push | None = None,
    span: Span | None = None,
    scale: int = 3,
    bars: int = 40,
    breadth: float = FINGER_BREADTH,
) -> Picture:
    """The view under a heat map of its places, with the best direction of the best places (a bar
    for grasps, an arrow for pushes) and the chosen action.

    Args:
        view: what was seen.
        heat: scores over a metric map.
        surface: m, the height of the table, where the view has no depth.
        chosen: what was done.
        span: the scores at both ends of the colours; from the map by default.
        scale: canvas pixels a camera pixel.
        bars: how many directions to draw at most.
        breadth: m of a finger across the closing direction.
    """
    span = span or Span.of(heat)
    points = seen_points(view, surface)
    share = span.share(best_by_place(heat))
    over_view = _sample(share, heat, points)
    alpha = 0.88 * cv2.GaussianBlur(over_view, (0, 0), 0.8)[..., None] ** 0.5
    dimmed = 0.8 * view.color
    blended = dimmed * (1 - alpha) + colormap(np.clip(over_view, 0, 1), HEAT_MAP) * alpha
    canvas = Canvas(view, scale=scale, picture=np.clip(blended, 0, 255).astype(np.uint8))
    _draw_directions(canvas, heat, share, heights_on_map(heat, points, surface), bars)
    match chosen:
        case Grasp():
            canvas.grasp(chosen, CHOSEN_COLOR, breadth=breadth)
        case Push():
            canvas.push(chosen, CHOSEN_COLOR)
    return canvas.picture


def beside_each_other(
    view: View,
    heats: Sequence[Heat],
    *,
    surface: float,
    chosen: Grasp | Push | None = None,
    span: Span | None = None,
    breadth: float = FINGER_BREADTH,
) -> Picture:
    """An overlay a map, all in one scale of colours; what was chosen stands in the one of its
    kind."""
    span = span or Span.of(*heats)
    scale = int(np.clip(round(_WIDTH / max(view.size)), 1, 3))
    parts = [
        heat_overlay(
            view,
            heat,
            surface=surface,
            chosen=chosen
            if len(heats) == 1 or heat.of_pushes is isinstance(chosen, Push)
            else None,
            span=span,
            scale=scale,
            breadth=breadth,
        )
        for heat in heats
    ]
    return np.hstack(parts)


def seen_points(view: View, surface: float) -> FloatArray:
    """(H, W, 3) m: the world point each pixel sees; without a return, where its ray meets the
    height `surface`."""
    height, width = view.size
    pixels = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    on_surface = on_plane(view, pixels, surface)
    if view.depth is None:
        return on_surface
    return np.where(np.isfinite(view.depth)[..., None], world_points(view), on_surface)


def heights_on_map(heat: Heat, points: FloatArray, surface: float) -> FloatArray:
    """(H, W) m: the highest seen world z over each cell of the map, `surface` where nothing was
    seen."""
    rows, columns = heat.values.shape[1:]
    places = apply(inverse(heat.world_from_map), points)[..., :2] / heat.pixel
    heights = np.full((rows, columns), surface)
    seen = (
        np.isfinite(places).all(axis=-1)
        & (places >= 0).all(axis=-1)
        & (places < (columns, rows)).all(axis=-1)
    )
    column, row = places[seen].astype(np.int64).T
    np.maximum.at(heights, (row, column), points[seen][:, 2])
    return heights


def _sample(share: NDArray[np.float32], heat: Heat, points: FloatArray) -> NDArray[np.float32]:
    """(H, W) shares at the places that the view's pixels see, 0 outside the map."""
    places = np.nan_to_num(
        apply(inverse(heat.world_from_map), points)[..., :2] / heat.pixel - 0.5, nan=-10.0
    ).astype(np.float32)
    columns, rows = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    sampled = cv2.remap(
        share, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    return np.asarray(sampled, dtype=np.float32)


def _draw_directions(
    canvas: Canvas, heat: Heat, share: NDArray[np.float32], heights: FloatArray, count: int
) -> None:
    """Bars along the best angle of the best places, or arrows from there, no two of them closer
    than they are long."""
    if np.isnan(heat.angles).any():
        return
    length = ARROW_LENGTH if heat.of_pushes else BAR_LENGTH
    best_layer = np.where(np.isnan(heat.values), -np.inf, heat.values).argmax(axis=0)
    taken = np.zeros((0, 2))
    for place in np.argsort(share, axis=None)[::-1][:4000]:
        row, column = np.unravel_index(place, share.shape)
        if share[row, column] < 0.35 or len(taken) >= count:
            return
        here = np.array([column + 0.5, row + 0.5]) * heat.pixel
        if len(taken) and np.linalg.norm(taken - here, axis=1).min() < 1.2 * length:
            continue
        taken = np.vstack([taken, here])
        center = apply(heat.world_from_map, np.array([*here, 0.0]))
        center[2] = heights[row, column]
        angle = heat.angles[best_layer[row, column]]
        along = length * np.array([np.cos(angle), np.sin(angle), 0.0])
        if heat.of_pushes:
            canvas.arrow(center, center + along, _DIRECTION_COLOR, width=1.4)
        else:
            canvas.line([center - along / 2, center + along / 2], _DIRECTION_COLOR, width=1.4)
