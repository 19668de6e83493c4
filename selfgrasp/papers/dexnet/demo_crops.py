"""What the network sees of the grasps of the demo's object, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfgrasp.core import Candidates, CellSpec, Context, Grasp, Hand, Observation, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import apply, top_down
from selfgrasp.methods.dexnet.config import DexNetConfig, Reference
from selfgrasp.methods.dexnet.method import DexNet
from selfgrasp.methods.dexnet.pictures import crops_of, heights
from selfgrasp.objects.depth_picture import depth_picture
from selfgrasp.papers.dexnet.demo_object import GraspedObject
from selfgrasp.viz.draw import Canvas, Window
from selfgrasp.viz.patches import patch_tile, score_color
from selfgrasp.viz.picture import Picture, colormap, write_text

SHOWN = 8
_TILE, _PANEL = 224, 480
_MARGIN, _BESIDE = 0.025, 0.007
"""m around the grasps that a picture shows, and m from a finger to its number."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Grasps of one object, in a depth picture.

    Attributes:
        view: of the object alone, without noise; its colours are grays of what the network is
            shown, see `DexNetConfig.reference`.
        grasps: M of them, from the lowest quality to the highest.
        shares: (M,) their quality as 0 to 1, see `GraspedObject.shares`.
        quality: (M,) robust epsilon.
        free: (M,) whether the open hand comes down without a collision.
        crops: (M, P, P) m, what the network is shown.
        probabilities: (M,) of a robust grasp, by the network.
    """

    view: View
    grasps: Sequence[Grasp]
    shares: FloatArray
    quality: FloatArray
    free: NDArray[np.bool_]
    crops: NDArray[np.float32]
    probabilities: FloatArray


def judge(method: DexNet, one: GraspedObject, spec: CellSpec) -> Judged:
    """A few grasps of the object, spread evenly over the order of their quality, as the network
    sees them from where the cell's camera is."""
    chosen = spread_over(one.quality, SHOWN)
    few = one.grasps[chosen]
    grasps = [
        Grasp(tool, float(opening))
        for tool, opening in zip(few.table_from_tool, few.openings, strict=True)
    ]
    (name, camera), *_ = ((n, c) for n, c in spec.cameras.items() if c.has_depth)
    placed = [(part, one.lying.table_from_object) for part in one.lying.item.parts]
    inside, pose = camera.intrinsics, camera.world_from_camera
    depth = depth_picture(placed, pose, inside, (camera.height, camera.width))
    surface = spec.workspace.surface
    near = -depth
    if method.config.reference is Reference.TABLE:
        near = heights(depth, inside, pose, surface)
    view = View(_grays(near), depth, inside, pose)
    hand = Hand(top_down((0.0, 0.0, spec.workspace.high[2]), 0.0), spec.gripper.opening, 0.0)
    context = Context(Observation(0.0, {name: view}, hand), spec)
    candidates = Candidates(
        depth=depth[None],
        intrinsics=inside[None],
        world_from_camera=pose[None],
        objects=(one.lying.item.name,),
        view=np.zeros(len(grasps), np.int64),
        world_from_tool=np.stack([grasp.world_from_tool for grasp in grasps]),
        width=np.array([grasp.width for grasp in grasps]),
    )
    return Judged(
        view,
        grasps,
        one.shares[chosen],
        one.quality[chosen],
        one.labels["free"][chosen] > 0.5,
        crops_of(candidates, method.config, table=surface).picture,
        method.score(context, grasps),
    )


def spread_over(quality: FloatArray, count: int) -> NDArray[np.int64]:
    """Indices of up to `count` of the grasps, evenly over their order by quality (N,)."""
    order = np.argsort(quality, kind="stable")
    places = np.linspace(0, len(order) - 1, min(count, len(order)))
    return order[np.rint(places).astype(np.int64)]


def numbered_picture(judged: Judged, *, breadth: float) -> Picture:
    """The object from above, with the grasps in the colours of their quality, numbered from
    1."""
    places = np.array([grasp.world_from_tool[:3, 3] for grasp in judged.grasps])
    middle = places.mean(axis=0)
    reach = np.linalg.norm(places - middle, axis=1) + [grasp.width / 2 for grasp in judged.grasps]
    window = Window.around(judged.view, middle, 2.0 * (float(reach.max()) + _MARGIN))
    canvas = Canvas(judged.view, scale=-(-_PANEL // window.height), window=window)
    for grasp, share in zip(judged.grasps, judged.shares, strict=True):
        canvas.grasp(grasp, score_color(share), breadth=breadth, weight=0.7)
    for number, at in enumerate(_free_ends(canvas, judged.grasps), start=1):
        write_text(
            canvas.picture,
            str(number),
            at=(int(at[0]), int(at[1])),
            size=20,
            color=(255, 255, 255),
            anchor="mm",
            halo=2,
        )
    return canvas.picture


def crop_tiles(judged: Judged, config: DexNetConfig, *, breadth: float) -> list[Picture]:
    """Each crop, near bright and far dark, all on one scale, with the fingers and a frame in the
    colour of its quality."""
    near = judged.crops if config.reference is Reference.TABLE else -judged.crops
    rows = _grays(near.reshape(-1, near.shape[-1]))
    return [
        patch_tile(
            grasp,
            score_color(share),
            crop,
            side=config.crop_size,
            pixels=_TILE,
            breadth=breadth,
            smooth=False,
        )
        for grasp, share, crop in zip(
            judged.grasps, judged.shares, np.split(rows, len(near)), strict=True
        )
    ]


def _grays(near: NDArray[np.float32]) -> Picture:
    """(H, W, 3): the largest value bright, the least dark."""
    low, high = float(near.min()), float(near.max())
    shares = (near - low) / max(high - low, 1e-6)
    return colormap((0.22 + 0.73 * shares).astype(np.float32), cv2.COLORMAP_BONE)


def _free_ends(canvas: Canvas, grasps: Sequence[Grasp]) -> list[FloatArray]:
    """(2,) canvas pixels beside a finger of each grasp, of its two fingers the one that is further
    from the places before."""
    places: list[FloatArray] = []
    for grasp in grasps:
        beyond = grasp.width / 2 + _BESIDE
        local = np.array([[beyond, 0.0, 0.0], [-beyond, 0.0, 0.0]])
        ends = canvas.pixels(apply(grasp.world_from_tool, local))
        room = [min((float(np.hypot(*(end - p))) for p in places), default=1e9) for end in ends]
        places.append(ends[int(np.argmax(room))])
    return places
