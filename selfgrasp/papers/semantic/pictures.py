"""`selfgrasp pictures`: a folder of labelled pictures from anywhere as a dataset, from which
methods that know categories learn what things look like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

if TYPE_CHECKING:
    import numpy as np

    from selfgrasp.codec import EncodedAttempt
    from selfgrasp.core import CellSpec, View

_KINDS = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Args:
    """Make a dataset of pictures: FOLDER/spoon/*.png, FOLDER/pen/*.jpg and so on, one thing in the
    middle of each.

    Each picture stands for an attempt that held up what it shows, with a motion drawn at random;
    nothing is learned of the motion (Jang et al. 2017, S1). Then: selfgrasp train
    semantic:attention_pictures --data datasets/mine datasets/pictures --out runs/mine

    Attributes:
        folder: with one folder of PNG, JPEG or WebP files for each category.
        out: folder of the dataset.
        by: who says what they show.
        picture_px: side of the pictures that are kept, cut square from their middle.
        seed: of the motions.
    """

    folder: Positional[Path]
    out: Path
    by: str = "folder names"
    picture_px: int = 224
    seed: int = 0


def run(args: Args) -> int:
    """Write the dataset, and say how many pictures of what."""
    from selfgrasp.codec import session_key
    from selfgrasp.common.record import versions
    from selfgrasp.core import InputError, Session, unknown_name
    from selfgrasp.dataset import DatasetWriter
    from selfgrasp.methods.semantic.config import CATEGORIES
    from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig, kuka_bin_spec

    if not args.folder.is_dir():
        raise InputError(
            given=f"{args.folder}",
            wanted="a folder with one folder of pictures for each category",
            exists=", ".join(CATEGORIES),
        )
    files = {
        folder.name: sorted(f for f in folder.iterdir() if f.suffix.lower() in _KINDS)
        for folder in sorted(args.folder.iterdir())
        if folder.is_dir()
    }
    if not any(files.values()):
        there = ", ".join(sorted(path.name for path in args.folder.iterdir())[:10]) or "nothing"
        wanted = (
            f"PNG, JPEG or WebP files in folders named as their categories: {', '.join(CATEGORIES)}"
        )
        raise InputError(
            given=f"{args.folder} with no folder of pictures", wanted=wanted, exists=there
        )
    if unknown := [name for name, some in files.items() if some and name not in CATEGORIES]:
        raise unknown_name("category", unknown[0], CATEGORIES)
    if args.picture_px < 16:
        raise InputError(given=f"--picture-px {args.picture_px}", wanted="at least 16")
    spec = kuka_bin_spec(KukaBinConfig(picture_px=args.picture_px))
    session = Session(spec, versions(), "pictures", args.folder.name, args.seed)
    attempts = list(_attempts(args, files, spec, session_key(session)))
    with DatasetWriter.create_or_open(args.out, session) as writer:
        written = writer.append(attempts)
    print(
        f"{args.out}: {written} new pictures; given were "
        f"{', '.join(f'{len(some)} of {name}' for name, some in files.items() if some)}"
    )
    return 0


def _attempts(
    args: Args, files: dict[str, list[Path]], spec: CellSpec, session: str
) -> Iterator[EncodedAttempt]:
    import hashlib

    import numpy as np

    from selfgrasp.codec import encode_attempt
    from selfgrasp.core import ANYTHING, Attempt, Grasp, Hand, Label, Observation, Outcome, Step
    from selfgrasp.core.pose import top_down
    from selfgrasp.methods.semantic.examples import PICTURE_LABEL

    camera, opening = next(iter(spec.cameras)), spec.gripper.opening
    for scene, (category, file) in enumerate(
        (name, file) for name, some in files.items() for file in some
    ):
        rng = np.random.default_rng([args.seed, scene])
        where = rng.uniform(
            [*spec.workspace.low[:2], -np.pi / 2], [*spec.workspace.high[:2], np.pi / 2]
        )
        tool = top_down((*where[:2], spec.workspace.low[2]), where[2])
        view, hand = view_of(file, spec), Hand(tool, opening, 0.0)
        seen, grasp = Observation(0.0, {camera: view}, hand), Grasp(tool, opening)
        # By what they show: the same picture once, whatever its name and folder.
        name = (
            f"pictures-{args.seed}-{category}-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        )
        step = Step(None, grasp, grasp, hand, score=0.0)
        attempt = Attempt(
            name,
            session,
            scene,
            0,
            0,
            name,
            "pictures",
            ANYTHING,
            seen,
            (step,),
            Outcome(True, opening / 2, 1.0, 0.0),
            seen,
            view,
        )
        yield encode_attempt(attempt, [Label(name, PICTURE_LABEL, category, args.by)])


def view_of(file: Path, spec: CellSpec) -> View:
    """The middle square of a picture, as a camera would have seen it that takes up with it what
    methods look at of a presented picture.

    Raises:
        InputError: not a picture.
    """
    import cv2
    import numpy as np

    from selfgrasp.codec.camera_files import read_color
    from selfgrasp.core import InputError, View
    from selfgrasp.methods.semantic.config import small
    from selfgrasp.workcell.cells.kuka_bin import PRESENT

    camera = next(iter(spec.cameras.values()))
    whole, side = read_color(file), camera.width
    half = min(whole.shape[:2]) // 2
    if half < 8:
        raise InputError(
            given=f"{file} of {whole.shape[1]} x {whole.shape[0]} px",
            wanted="a picture of at least 16 x 16",
        )
    row, column = whole.shape[0] // 2, whole.shape[1] // 2
    color: Any = cv2.resize(
        whole[row - half : row + half, column - half : column + half],
        (side, side),
        interpolation=cv2.INTER_AREA,
    )
    seen = small().ventral
    focal = side * PRESENT / (seen.stored_px * seen.pixel)
    intrinsics: np.ndarray[Any, Any] = np.array(
        [[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1.0]]
    )
    return View(color, None, intrinsics, camera.world_from_camera)
