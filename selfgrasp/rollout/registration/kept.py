"""What is known of each object, kept in the user's cache: a second of work an object, done once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from functools import cache
from pathlib import Path

import numpy as np

from selfgrasp.common.files import atomic_write
from selfgrasp.common.progress import Progress
from selfgrasp.common.user_cache import user_cache
from selfgrasp.core import GripperSpec, InputError
from selfgrasp.objects.catalogue import catalogue_hash
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.named import objects_named
from selfgrasp.rollout.registration.known import KnownConfig, KnownPoses, joined, poses_of

_VERSION = 1
"""Of what is kept; what another version kept is made again."""


@cache
def known_poses(
    names: tuple[str, ...], shapes: int | None, gripper: GripperSpec, config: KnownConfig
) -> KnownPoses:
    """All poses of known objects, from the cache as far as they are there.

    Processes that make them at the same time share the work.

    Args:
        names: of sets or folders of objects.
        shapes: objects of each, from its beginning; None for all.
        gripper: whose grasps are known.
        config: how much is known of each object.

    Raises:
        InputError: no such set or folder, or none of the objects can be grasped.
    """
    objects = [item for name in names for item in objects_named(name)[:shapes]]
    # What is known hangs on the size of the hand, not on its force.
    found = _all(objects, replace(gripper, max_force=1.0, closed=0.0), config)
    if not len(found):
        raise InputError(
            given=f"{len(objects)} objects of {', '.join(names)} without a grasp",
            wanted=f"objects narrower than {gripper.opening * 1e3:.0f} mm somewhere",
        )
    return found


def _all(objects: Sequence[ObjectModel], gripper: GripperSpec, config: KnownConfig) -> KnownPoses:
    files = [_file(item, gripper, config) for item in objects]
    found = {index: kept for index, file in enumerate(files) if (kept := _read(file)) is not None}
    missing = [index for index in range(len(objects)) if index not in found]
    if missing:
        # Each process begins elsewhere, and takes what others have made in the meantime.
        np.random.default_rng(os.getpid()).shuffle(missing)
        with Progress("known objects", len(objects), unit="objects", done=len(found)) as progress:
            for index in missing:
                kept = _read(files[index])
                if kept is None:
                    kept = poses_of(objects[index], gripper, config)
                    _keep(files[index], kept)
                found[index] = kept
                progress.update(len(found))
    return joined([found[index] for index in range(len(objects))])


def _file(item: ObjectModel, gripper: GripperSpec, config: KnownConfig) -> Path | None:
    """Where it is kept; None where there is no cache."""
    folder = user_cache()
    if folder is None:
        return None
    text = f"{_VERSION}|{catalogue_hash([item])}|{asdict(gripper)}|{asdict(config)}"
    return folder / "known" / f"{hashlib.sha256(text.encode()).hexdigest()}.npz"


def _read(file: Path | None) -> KnownPoses | None:
    """None where there is nothing, or nothing that can be read."""
    if file is None:
        return None
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return KnownPoses(*(arrays[one.name] for one in fields(KnownPoses)))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _keep(file: Path | None, known: KnownPoses) -> None:
    """Keep it, where the user's cache can be written."""
    if file is None:
        return
    with contextlib.suppress(OSError), atomic_write(file) as partial, partial.open("wb") as stream:
        np.savez(stream, **vars(known))
