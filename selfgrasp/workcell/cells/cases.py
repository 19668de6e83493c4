"""The arrangements that a cell's scenes begin with, found from its options and tried before anybody
relies on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from selfgrasp.core.errors import InputError
from selfgrasp.objects.arrangements import Arrangement, own_cases, read_cases
from selfgrasp.objects.catalogue import catalogue_hash
from selfgrasp.workcell.cells.config import Body, CellConfig
from selfgrasp.workcell.cells.registry import cell_kind, checked_options
from selfgrasp.workcell.sim.build import TableConfig
from selfgrasp.workcell.sim.scene import Layout, SceneConfig, SimScene
from selfgrasp.workcell.sim.world import World


def cases_of(body: Body) -> tuple[Arrangement, ...]:
    """The arrangements that scenes begin with; none where they begin otherwise.

    Raises:
        InputError: see `read_cases`.
    """
    if Layout(body.layout) is not Layout.CASES:
        return ()
    if not body.cases:
        return own_cases()
    return read_cases(Path(body.cases), Path(body.meshes) if body.meshes else None)


def settled_cases(name: str, config: CellConfig | None = None) -> tuple[Arrangement, ...]:
    """The arrangements that a cell's scenes begin with, each tried in its simulation.

    Args:
        name: of the cell.
        config: its options; its defaults without.

    Raises:
        InputError: an unknown cell, wrong options, files that cannot be used, or an object that
            does not stay where it stands; the message names its file.
    """
    kind, options = cell_kind(name), checked_options(name, config)
    body = kind.body(options)
    cases = cases_of(body)
    if not cases:
        return ()
    models = {one.model.name: one.model for case in cases for one in case.standing}
    world = World(
        tuple(models.values()),
        slots=max(len(case.standing) for case in cases),
        gripper=kind.spec(options).gripper,
        table=TableConfig(body.half_size, options.wall_height, body.wall_thickness),
        away=body.away,
    )
    scene = SimScene(world, tuple(models.values()), SceneConfig(count=1))
    for case in cases:
        try:
            scene.arrange(case)
        except InputError as error:
            file = f"{Path(body.cases) / case.name}.txt" if body.cases else f"{case.name}.txt"
            raise InputError(given=f"{file}: {error.given}", wanted=error.wanted) from error
    return cases


def cases_hash(cases: Sequence[Arrangement]) -> str:
    """12 hex digits of what arrangements hold: names, objects, and poses to a nanometre."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(f"{case.name}|{catalogue_hash(case.models)}".encode())
        for one in case.standing:
            digest.update((one.world_from_object * 1e9).round().astype("<i8").tobytes())
    return digest.hexdigest()[:12]
