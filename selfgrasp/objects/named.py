"""Sets of objects by name, and those of a session."""

from __future__ import annotations

import hashlib

from selfgrasp.core import InputError, Session
from selfgrasp.objects.catalogue import (
    SET_NAMES,
    catalogue_hash,
    objects_by_name,
    test_objects,
    train_objects,
)
from selfgrasp.objects.model import ObjectModel
from selfgrasp.objects.sets import canonical, folder_part


def objects_of(session: Session, given: str | None = None) -> tuple[str, tuple[ObjectModel, ...]]:
    """Name and models of what a session's scenes drew from: `given`, or the set that it names.
    Where it only says that it was a folder, as of many sets, its hash tells which.

    Raises:
        InputError: none of them has the hash of the collection.
    """

    kind, _, wanted = session.objects.partition(":")
    names = (
        (given,) if given is not None else (kind,) if kind in SET_NAMES else (*SET_NAMES, "mixed")
    )
    for name in names:
        found = objects_named(name)
        if catalogue_hash(found)[:12] == wanted:
            return name, found
    if len(names) > 1:
        raise InputError(
            given="attempts on objects of a folder", wanted="that folder's name, see --objects"
        )
    raise InputError(
        given=f"objects {names[0]} as they are now",
        wanted=f"those of the collection, {session.objects}",
    )


def objects_named(name: str) -> tuple[ObjectModel, ...]:
    """Objects of a set ("seen" and "novel" are the training and test sets, "mixed" half of each) or
    of a folder of meshes.

    Of a folder, "FOLDER#train" and "FOLDER#test" are two thirds and the remaining third, parted by
    a hash of the names; fewer than six are not parted. What was guessed and refused in a folder is
    said once, on standard error.

    Raises:
        InputError: no such set or folder.
    """

    if name == "mixed":
        novel = test_objects()
        return (*train_objects(len(novel)), *novel)
    folder, part = folder_part(name)
    found = objects_by_name(canonical(folder))
    if not part or len(found) < 6:
        return found
    order = sorted(found, key=lambda item: hashlib.sha256(item.name.encode()).digest())
    third = len(order) // 3
    return tuple(order[third:] if part == "train" else order[:third])
