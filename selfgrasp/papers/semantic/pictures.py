"""Labelled pictures from anywhere as a dataset, from which methods that know categories learn what
things look like (Jang et al. 2017, S1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from selfgrasp.codec import EncodedAttempt, encode_attempt, session_key
from selfgrasp.codec.camera_files import read_color
from selfgrasp.common.record import versions
from selfgrasp.core import (
    ANYTHING,
    Attempt,
    CellSpec,
    Grasp,
    Hand,
    InputError,
    Label,
    Observation,
    Outcome,
    Session,
    Step,
    View,
    unknown_name,
)
from selfgrasp.core.pose import top_down
from selfgrasp.dataset import DatasetWriter
from selfgrasp.methods.semantic.config import CATEGORIES, small
from selfgrasp.methods.semantic.examples import PICTURE_LABEL
from selfgrasp.workcell.cells.kuka_bin import PRESENT, KukaBinConfig, kuka_bin_spec

_KINDS = (".png", ".jpg", ".jpeg", ".webp")


def pictures_by_category(folder: Path) -> dict[str, list[Path]]:
    """The picture files of a folder that has a folder for each category.

    Raises:
        InputError: no such folder, no picture in it, or a category that is not known.
    """
    if not folder.is_dir():
        raise InputError(
            given=f"{folder}",
            wanted="a folder with one folder of pictures for each category",
            exists=", ".join(CATEGORIES),
        )
    found = {
        one.name: sorted(f for f in one.iterdir() if f.suffix.lower() in _KINDS)
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    if not any(found.values()):
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) or "nothing"
        wanted = (
            f"PNG, JPEG or WebP files in folders named as their categories: {', '.join(CATEGORIES)}"
        )
        raise InputError(given=f"{folder} with no folder of pictures", wanted=wanted, exists=there)
    if unknown := [name for name, files in found.items() if files and name not in CATEGORIES]:
        raise unknown_name("category", unknown[0], CATEGORIES)
    return found


def write_pictures(
    files: Mapping[str, Sequence[Path]],
    out: Path,
    *,
    folder: str,
    author: str,
    picture_px: int,
    seed: int,
) -> int:
    """Add the pictures to a dataset, each once, and return how many are new.

    Each stands for an attempt that held up what it shows, with a motion drawn at random.

    Args:
        files: by category.
        out: folder of the dataset.
        folder: where the pictures come from, for the record.
        author: who says what they show.
        picture_px: side of the pictures that are kept, at least 16.
        seed: of the motions.

    Raises:
        InputError: pictures to be kept too small, or a file that is no picture.
    """
    if picture_px < 16:
        raise InputError(given=f"--picture-px {picture_px}", wanted="at least 16")
    spec = kuka_bin_spec(KukaBinConfig(picture_px=picture_px))
    session = Session(spec, versions(), "pictures", folder, seed)
    attempts = list(_attempts(files, spec, session_key(session), author=author, seed=seed))
    with DatasetWriter.create_or_open(out, session) as writer:
        return writer.append(attempts)


def _attempts(
    files: Mapping[str, Sequence[Path]], spec: CellSpec, session: str, *, author: str, seed: int
) -> Iterator[EncodedAttempt]:
    camera, opening = next(iter(spec.cameras)), spec.gripper.opening
    for scene, (category, file) in enumerate(
        (name, file) for name, some in files.items() for file in some
    ):
        rng = np.random.default_rng([seed, scene])
        where = rng.uniform(
            [*spec.workspace.low[:2], -np.pi / 2], [*spec.workspace.high[:2], np.pi / 2]
        )
        tool = top_down((*where[:2], spec.workspace.low[2]), where[2])
        view, hand = view_of(file, spec), Hand(tool, opening, 0.0)
        seen, grasp = Observation(0.0, {camera: view}, hand), Grasp(tool, opening)
        # By what they show: the same picture once, whatever its name and folder.
        name = f"pictures-{seed}-{category}-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
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
        yield encode_attempt(attempt, [Label(name, PICTURE_LABEL, category, author)])


def view_of(file: Path, spec: CellSpec) -> View:
    """The middle square of a picture, as a camera would have seen it that takes up with it what
    methods look at of a presented picture.

    Raises:
        InputError: not a picture.
    """
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
