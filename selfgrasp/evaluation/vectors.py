"""Vectors of lifts: computed once for each weights, kept in the dataset, or from somebody's
file."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfgrasp.common.progress import Progress
from selfgrasp.common.untrusted import read_bytes
from selfgrasp.core import Attempt, CellSpec, Embedding, InputError, PolicyRef, View
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import first_line
from selfgrasp.dataset import Dataset, DatasetWriter, Vectors
from selfgrasp.protocols.embedding import Lifts

KINDS = ("before", "after", "present")
"""Pictures of an attempt: the scene before and after it, and what was held."""
_BATCH = 32


@dataclass(frozen=True, eq=False)
class LiftVectors:
    """Vectors of N lifts.

    Attributes:
        before: (N, D) of the scenes before.
        after: (N, D) of those after.
        present: (N, D) of what was held.
        note: what to know of them; empty for nothing.
    """

    before: FloatArray
    after: FloatArray
    present: FloatArray
    note: str = ""


def vectors_of(
    data: Dataset, lifts: Lifts, policy: PolicyRef, embedding: Embedding | None
) -> LiftVectors:
    """The vectors of `lifts`: those that the dataset has by these weights, the others computed and
    kept there where it can be written.

    Args:
        data: holds the attempts.
        lifts: N of them.
        policy: whose vectors.
        embedding: the same, loaded; None where they come from a file of features.

    Raises:
        InputError: a file that does not hold them, or vectors of wrong shapes.
    """
    if embedding is None:
        assert policy.file is not None
        return read_features(policy.file, lifts.ids.tolist())
    kept = _kept(data, policy) if policy.weights else {}
    missing = [i for i in lifts.ids.tolist() if not all(i in kept.get(k, {}) for k in KINDS)]
    fresh = _computed(data, missing, policy, embedding) if missing else {}
    note = _keep(data, policy, missing, fresh) if fresh and policy.weights else ""
    before, after, present = (
        np.array([{**kept.get(kind, {}), **fresh.get(kind, {})}[i] for i in lifts.ids.tolist()])
        for kind in KINDS
    )
    return LiftVectors(before, after, present, note)


def vectors_name(policy: PolicyRef, kind: str) -> str:
    """The name of the vectors of one of `KINDS` in a dataset: the policy's, its weights' hash, and
    the kind."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{policy.name}{policy.suffix}").strip("-")
    return f"{name}-{policy.weights}.{kind}"


def _kept(data: Dataset, policy: PolicyRef) -> dict[str, dict[str, NDArray[np.float32]]]:
    there = data.vector_names
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    for kind in KINDS:
        if (name := vectors_name(policy, kind)) in there:
            table = data.vectors(name)
            found[kind] = dict(zip(table.attempts.tolist(), table.read(), strict=True))
    return found


def _computed(
    data: Dataset, ids: Sequence[str], policy: PolicyRef, embedding: Embedding
) -> dict[str, dict[str, NDArray[np.float32]]]:
    found: dict[str, dict[str, NDArray[np.float32]]] = {kind: {} for kind in KINDS}
    with Progress(f"embed {policy.label}", len(ids), unit="attempts") as progress:
        for start in range(0, len(ids), _BATCH):
            attempts = list(data.attempts(ids[start : start + _BATCH], threads=1))
            for kind, vectors in embedded(embedding, attempts, data.spec).items():
                found[kind].update(zip((a.id for a in attempts), vectors, strict=True))
            progress.update(start + len(attempts))
    return found


def embedded(
    embedding: Embedding, attempts: Sequence[Attempt], spec: CellSpec
) -> dict[str, NDArray[np.float32]]:
    """(N, D) vectors of each of `KINDS` of presented lifts, checked."""
    pictures = {kind: [picture(one, kind) for one in attempts] for kind in KINDS}
    scenes = embedding.scenes([*pictures["before"], *pictures["after"]], spec)
    vectors = {
        "before": scenes[: len(attempts)],
        "after": scenes[len(attempts) :],
        "present": embedding.objects(pictures["present"], spec),
    }
    shapes = {np.shape(one) for one in vectors.values()}
    (rows, *_) = next(iter(shapes)) or (0,)
    finite = all(np.isfinite(one).all() for one in vectors.values())
    if len(shapes) > 1 or rows != len(attempts) or not finite:
        raise InputError(
            given=f"vectors of {embedding.name} of shapes "
            f"{', '.join(map(str, sorted(shapes)))}{'' if finite else ', not all finite'}",
            wanted=f"({len(attempts)}, D) finite numbers, of scenes as of objects",
        )
    return {kind: np.asarray(one, np.float32) for kind, one in vectors.items()}


def picture(attempt: Attempt, kind: str) -> View:
    """One of `KINDS` of a presented lift, from its first camera."""
    if kind == "present":
        assert attempt.present is not None
        return attempt.present
    observation = attempt.before if kind == "before" else attempt.after
    assert observation is not None
    return observation.view()


def _keep(
    data: Dataset,
    policy: PolicyRef,
    ids: Sequence[str],
    fresh: Mapping[str, Mapping[str, NDArray[np.float32]]],
) -> str:
    """Stores vectors in the dataset; a note where it cannot be written."""
    session = next(iter(data.sessions.values()))
    try:
        with DatasetWriter.create_or_open(data.path, session) as writer:
            for kind in KINDS:
                values = np.array([fresh[kind][i] for i in ids])
                writer.append_vectors(
                    vectors_name(policy, kind), Vectors(list(ids), values, policy.identity)
                )
    except (InputError, OSError) as error:
        return f"Vectors of {policy.label} are not kept in the dataset: {first_line(error)}."
    return ""


def read_features(file: Path, ids: Sequence[str]) -> LiftVectors:
    """The vectors of attempts in somebody's file.

    Args:
        file: NumPy's .npz with `attempts` (N,) text, ids, and `before`, `after` and `present`,
            (N, D) numbers each, in the same order.
        ids: of the attempts that are wanted.

    Raises:
        InputError: no such file, arrays missing or of other shapes, not finite, or attempts
            missing.
    """
    arrays = _arrays(file, ("attempts", *KINDS))
    names, values = arrays["attempts"], [arrays[kind] for kind in KINDS]
    numeric = all(one.dtype.kind in "fiu" and one.ndim == 2 for one in values)
    alike = numeric and len({one.shape for one in values}) == 1
    if names.dtype.kind != "U" or not alike or len(names) != len(values[0]):
        shapes = ", ".join(f"{name} {a.dtype} {a.shape}" for name, a in arrays.items())
        raise InputError(
            given=f"{file} with {shapes}",
            wanted="attempts (N,) text, and before, after and present (N, D) numbers",
        )
    if not all(np.isfinite(one).all() for one in values):
        raise InputError(given=f"{file} with numbers that are not finite", wanted="finite ones")
    row = {name: index for index, name in enumerate(names.tolist())}
    missing = [i for i in ids if i not in row]
    if missing:
        raise InputError(
            given=f"{file} with {len(ids) - len(missing)} of {len(ids)} attempts",
            wanted=f"all of them, for example {missing[0]}",
        )
    rows = [row[i] for i in ids]
    before, after, present = (one[rows].astype(np.float64) for one in values)
    return LiftVectors(before, after, present)


def _arrays(file: Path, wanted: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(io.BytesIO(read_bytes(file)), allow_pickle=False) as loaded:
            exists = ", ".join(loaded.files)
            found = {name: loaded[name] for name in wanted if name in loaded.files}
    except (ValueError, OSError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(
            given=f"{file}: {first_line(error)}", wanted="NumPy's .npz, without pickled objects"
        ) from error
    if lacking := [name for name in wanted if name not in found]:
        raise InputError(
            given=f"{file} without {', '.join(lacking)}",
            wanted=", ".join(wanted),
            exists=exists,
        )
    return found
