"""A sheet of arrangements, each seen from above; lighter is higher up.

python -m benchmarks.arrangement_pictures OUT.webp [CASES [MESHES]]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply
from selfgrasp.objects.arrangements import Arrangement, Standing, own_cases, read_cases
from selfgrasp.objects.part import Part
from selfgrasp.objects.solids import corners

SIDE, COLUMNS = 160, 5
MARGIN = 0.003
"""m about what reaches farthest from the middle."""
FINE = 16
"""OpenCV's polygons are given in sixteenths of a pixel."""
LIGHT = np.array([-0.35, 0.45, 0.82])
BACKGROUND, INK = (236, 232, 226), (70, 66, 60)


def main(out: Path, arrangements: Sequence[Arrangement]) -> None:
    """Write the sheet."""
    points = [standing.corners for one in arrangements for standing in one.standing]
    half_side = float(np.abs(np.concatenate(points)[:, :2]).max()) + MARGIN
    pictures = [picture(one, half_side) for one in arrangements]
    blank = np.full_like(pictures[0], BACKGROUND)
    pictures += [blank] * (-len(pictures) % COLUMNS)
    rows = [np.hstack(pictures[i : i + COLUMNS]) for i in range(0, len(pictures), COLUMNS)]
    sheet = np.vstack(rows)[:, :, ::-1]
    cv2.imwrite(str(out), sheet, [cv2.IMWRITE_WEBP_QUALITY, 20])
    print(f"{out}: {len(arrangements)} arrangements, {out.stat().st_size / 1000:.1f} kB")


def picture(one: Arrangement, half_side: float) -> NDArray[np.uint8]:
    """(SIDE, SIDE, 3) uint8 of a square of half a side, m, about the middle; x to the right, y
    up."""
    image = np.full((SIDE, SIDE, 3), BACKGROUND, dtype=np.uint8)
    facets = [facet for standing in one.standing for facet in facets_of(standing)]
    # What lies higher is painted later.
    for points, color in sorted(facets, key=lambda facet: float(facet[0][:, 2].max())):
        drawn = np.column_stack([points[:, 0], -points[:, 1]]) / half_side + 1.0
        pixels = np.rint(drawn * SIDE / 2.0 * FINE).astype(np.int32)
        cv2.fillPoly(image, [pixels], color.tolist(), cv2.LINE_AA, shift=4)
        cv2.polylines(image, [pixels], True, INK, 1, cv2.LINE_AA, shift=4)
    cv2.putText(image, one.name, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1, cv2.LINE_AA)
    return image


def facets_of(standing: Standing) -> list[tuple[FloatArray, FloatArray]]:
    """Corners (N, 3) m of each face that looks up, in order about it, and its color (3,) 0..255."""
    return [facet for part in standing.model.parts for facet in _of_part(part, standing)]


def _of_part(part: Part, standing: Standing) -> list[tuple[FloatArray, FloatArray]]:
    points = apply(standing.world_from_object, corners(part))
    planes = ConvexHull(points).equations
    _, first = np.unique(np.round(planes, 4), axis=0, return_index=True)
    found = []
    for normal, offset in ((planes[i, :3], planes[i, 3]) for i in first):
        if normal[2] < 0.05:
            continue
        on_face = points[points @ normal + offset > -1e-4]
        around = on_face[ConvexHull(on_face[:, :2]).vertices]
        light = 0.55 + 0.3 * max(0.0, float(normal @ LIGHT)) + 1.5 * float(around[:, 2].mean())
        found.append((around, np.clip(255.0 * light * part.color, 0, 255)))
    return found


if __name__ == "__main__":
    folders = sys.argv[2:]
    main(Path(sys.argv[1]), read_cases(*folders) if folders else own_cases())
