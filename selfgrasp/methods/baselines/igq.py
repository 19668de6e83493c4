"""Image-based grasp quality: the row IGQ of Dex-Net 2.0 (Mahler et al. 2017, section VI-C)."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from selfgrasp.core import Context, Grasp, Plan
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import top_down
from selfgrasp.vision import antipodal, diverse, regions
from selfgrasp.vision.scene_map import SceneMap, scene_map

NO_PAIR = "no two edges face each other in force closure, closer than the gripper opens"


@dataclass(frozen=True)
class IGQConfig:
    """How edge pairs are found and ranked.

    Attributes:
        view: name of the view; None takes the first with depth.
        pixel: m, side of a heightmap cell.
        friction: coefficient of the cones that a pair's line lies in.
        candidates: how many a plan holds.
        separation: m between two of them, unless their angles differ by more than 40 deg.
    """

    view: str | None = None
    pixel: float = 0.0025
    friction: float = 0.5
    candidates: int = 16
    separation: float = 0.018


@dataclass(frozen=True)
class IGQPolicy:
    """Pairs of edges in force closure, the nearest to the middle of their object first.

    As published it looks at nothing else: neither at collisions nor at how much of the fingers
    meets the object. The middle is that of the connected region that the grasp lies in, where the
    paper has a segmented object.
    """

    config: IGQConfig = field(default_factory=IGQConfig)
    name: str = "igq"
    privileged: tuple[str, ...] = ()

    def plan(self, context: Context) -> Plan:
        """Diverse candidates, best first; a score is minus the distance to the middle, in m."""
        config, spec = self.config, context.spec
        seen = scene_map(context, view=config.view, pixel=config.pixel)
        if seen.reason:
            return Plan.nothing(seen.reason)
        found = antipodal(seen.map, spec.gripper, spec.workspace, friction=config.friction)
        if not len(found):
            return Plan.nothing(NO_PAIR)
        scores = -from_middle(seen, found.xy)
        best = diverse(
            found.xy, found.yaw, scores, most=config.candidates, separation=config.separation
        )
        opening = found.opening(spec.gripper)
        actions = tuple(
            Grasp(top_down((*found.xy[i], found.z[i]), float(found.yaw[i])), float(opening[i]))
            for i in best
        )
        return Plan(actions, scores[best])


def from_middle(seen: SceneMap, xy: FloatArray) -> FloatArray:
    """(N,) m from points (N, 2) m to the middle of the region that is nearest to each."""
    whole = regions(seen.mask, minimum_px=1)
    inside = whole.labels > 0
    # Each cell gets the number of its nearest connected component, which is a region.
    _, nearest = cv2.distanceTransformWithLabels(
        (~inside).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP
    )
    region_of = np.zeros(int(nearest.max()) + 1, np.int64)
    region_of[nearest[inside]] = whole.labels[inside] - 1
    cells = seen.map.cells(xy)
    rows, columns = np.array(inside.shape) - 1
    at = np.clip(cells.astype(np.int64), 0, (columns, rows))
    middle = whole.centroid[region_of[nearest[at[:, 1], at[:, 0]]]]
    distance: FloatArray = np.linalg.norm(cells - middle, axis=1) * seen.map.pixel
    return distance


POLICY = IGQPolicy
