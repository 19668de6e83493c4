"""`selfgrasp plan`: one picture in, ranked grasps and pushes out."""

from __future__ import annotations

import json as json_format
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from selfgrasp.core.bounds import Between, Seed, check_bounds

if TYPE_CHECKING:
    from selfgrasp.core import Policy
    from selfgrasp.rollout.picture_files import PictureFiles


@dataclass(frozen=True)
class Args:
    """Plan grasps (and pushes, where the policy makes them) for one RGB-D picture of things on a
    table, from any camera, and print them as JSON.

    Without a pose the table is found in the depth picture, and the world is the table's: z up, x
    along the picture's right.
    """

    color: Path | None = None
    """Colour picture, PNG or JPEG."""

    depth: Path | None = None
    """Depth picture of the same size: a 16-bit PNG or TIFF in millimetres, or a NumPy array in
    metres; 0, NaN and a far plane are holes."""

    intrinsics: Path | None = None
    """Of the colour picture, as ROS, RealSense, Azure Kinect, Zivid, Open3D, Kalibr, OpenCV or BOP
    write them, or fx, fy, cx, cy; JSON, YAML, XML or rows of numbers."""

    camera: str | None = None
    """Which camera of an intrinsics file of several, as cam0; by default the one that fits."""

    pictures: Literal["raw", "rectified"] = "raw"
    """Whether the pictures are as the lens made them, and are undistorted by its coefficients, or
    rectified already."""

    depth_intrinsics: Path | None = None
    """Of the depth picture, where another camera took it; with --color-from-depth."""

    depth_camera: str | None = None
    """Which camera of --depth-intrinsics, as --camera."""

    color_from_depth: Path | None = None
    """Pose of the depth camera in the colour camera's frame, a 4 x 4 matrix as --pose."""

    mask: Path | None = None
    """Picture of the colour picture's size: grasp only what lies where it is neither black nor
    transparent."""

    workspace: tuple[Annotated[float, Between(-100, 100)], ...] = ()
    """Grasp only between two corners in the world, m: X Y X Y or X Y Z X Y Z. By default on the
    table's largest connected patch."""

    polygon: tuple[Annotated[float, Between(-1e5, 1e5)], ...] = ()
    """Grasp only inside of a polygon in the colour picture, px: U V U V U V ..."""

    sample: bool = False
    """Take the picture that ships with selfgrasp instead of these three files."""

    policy: str = "supersizing"
    """A policy's name, or the path of a run's folder."""

    pose: Path | None = None
    """world_from_camera in m, a 4 x 4 matrix as JSON or NumPy array; world z has to point up, the
    camera's z forward."""

    table: Annotated[float, Between(-100, 100)] | None = None
    """Height of the table in the world, m; by default where most of the picture lies. Only with a
    pose."""

    out: Path | None = None
    """Where to write the picture with grasps and pushes drawn on it, PNG."""

    json: Path | None = None
    """Where to write the grasps; by default they are printed."""

    top: Annotated[int, Between(1, 10**6)] = 10
    """How many grasps and pushes."""

    opening: Annotated[float, Between(0, 1, above=True)] = 0.085
    """m between the gripper's fingers when open."""

    finger_thickness: Annotated[float, Between(0, 1, above=True)] = 0.010
    """m of a finger along the closing direction."""

    finger_breadth: Annotated[float, Between(0, 1, above=True)] = 0.020
    """m of a finger across the closing direction."""

    finger_length: Annotated[float, Between(0, 1, above=True)] = 0.055
    """m from the fingertip to the palm."""

    depth_scale: Annotated[float, Between(0, 1000, above=True)] | None = None
    """Metres per unit of the depth file; by default what stands beside the intrinsics, else 0.001
    for integers and 1 for floating point."""

    pixel_origin: Literal["centre", "corner"] = "centre"
    """Where (0, 0) of the intrinsics lies in the top-left pixel: its centre (OpenCV, ROS,
    RealSense) or its corner (selfgrasp)."""

    seed: Seed = 0
    """Of the policy's random choices and of the table's fit."""


def run(args: Args, policy: Policy | None = None) -> int:
    """Read the picture, plan with `policy` (by default the one that `args` names), write what was
    asked for."""
    from selfgrasp.common.files import write_whole
    from selfgrasp.core import GripperSpec
    from selfgrasp.rollout.picture import describe, plan_grasps, ranked, read_context
    from selfgrasp.rollout.picture_view import trained_note, view_of
    from selfgrasp.rollout.picture_words import axes_origin, frame_words
    from selfgrasp.rollout.policies import load_policy, resolve
    from selfgrasp.viz.overlay import Frames, overlay, write_picture

    check_bounds(args)
    gripper = GripperSpec(
        args.opening, args.finger_thickness, args.finger_breadth, args.finger_length, max_force=40.0
    )
    read = read_context(_files(args), gripper, corners=args.workspace, seed=args.seed)
    for note in read.notes:
        print(f"note: {note}", file=sys.stderr)
    preset = ""
    if policy is None:
        ref = resolve(args.policy)
        policy, preset = load_policy(ref), ref.preset
    seen = view_of(read.context.observation.view(), read.context.spec.workspace)
    if far := trained_note(policy, seen):
        print(f"note: {far}", file=sys.stderr)
    plan = plan_grasps(policy, read)
    name = f"{policy.name}:{preset}" if preset else policy.name
    found = describe(plan, read, policy=name, top=args.top)
    text = json_format.dumps(asdict(found), indent=2)
    if args.out is not None:
        best = [plan.actions[i] for i in ranked(plan)[: args.top]]
        view = read.context.observation.view()
        origin = axes_origin(found, view)
        frames = Frames(origin, frame_words(found, origin))
        write_picture(args.out, overlay(view, best, gripper, frames))
    if args.json is None:
        print(text)
        return 0
    write_whole(args.json, f"{text}\n".encode())
    pushes = f" and {len(found.pushes)} pushes" if found.pushes else ""
    print(
        f"{len(found.grasps)} grasps{pushes} in {args.json}"
        if found.grasps or found.pushes
        else f"no grasp: {found.reason}"
    )
    return 0


def _files(args: Args) -> PictureFiles:
    """The files that were asked for, and how to read them."""
    from selfgrasp.core import InputError
    from selfgrasp.rollout.picture_files import PictureFiles

    color, depth, intrinsics = _three(args)
    if len(args.polygon) % 2 or 0 < len(args.polygon) < 6:
        raise InputError(
            given=f"--polygon of {len(args.polygon)} numbers",
            wanted="U V of three corners or more, px",
        )
    return PictureFiles(
        color=color,
        depth=depth,
        intrinsics=intrinsics,
        depth_intrinsics=args.depth_intrinsics,
        color_from_depth=args.color_from_depth,
        pose=args.pose,
        table=args.table,
        depth_scale=args.depth_scale,
        pixel_origin=args.pixel_origin,
        pictures=args.pictures,
        camera=args.camera,
        depth_camera=args.depth_camera,
        mask=args.mask,
        polygon=tuple(zip(args.polygon[::2], args.polygon[1::2], strict=True)),
    )


def _three(args: Args) -> tuple[Path, Path, Path]:
    """The colour picture, the depth picture and the intrinsics that were asked for."""
    from selfgrasp.core import InputError
    from selfgrasp.data import SAMPLE

    given = {"--color": args.color, "--depth": args.depth, "--intrinsics": args.intrinsics}
    named = [name for name, path in given.items() if path is not None]
    if args.sample and named:
        raise InputError(given=f"--sample and {', '.join(named)}", wanted="one or the other")
    if args.sample:
        return SAMPLE.color, SAMPLE.depth, SAMPLE.intrinsics
    if args.color is None or args.depth is None or args.intrinsics is None:
        raise InputError(
            given=f"{', '.join(named) or 'no picture'}",
            wanted=", ".join(given),
            exists="a picture to try: selfgrasp plan --sample",
        )
    return args.color, args.depth, args.intrinsics
