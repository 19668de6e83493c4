"""Pictures of what a robot is to fetch: the object alone, held before the camera, after a drop of
its own."""

from __future__ import annotations

from dataclasses import replace

from selfgrasp.core import InputError, View
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.sim.oracle import OraclePolicy
from selfgrasp.workcell.sim.scene import SimScene
from selfgrasp.workcell.workcell import Workcell

TRIES = 4
"""Drops of an object until the oracle holds it; what it never holds is asked of nobody."""


def simulated_scene(cell: Workcell, what: str) -> SimScene:
    """The scene of a simulated cell.

    Args:
        cell: any.
        what: needs it, for the message.

    Raises:
        InputError: a cell that is not simulated.
    """
    scene = cell.drivers.scene
    if not isinstance(scene, SimScene):
        raise InputError(
            given=f"{what} in the cell {cell.spec.name!r}",
            wanted="a simulated cell, whose objects can be laid out by name",
        )
    return scene


def presented(cell: Workcell, name: str, seed: int) -> View | None:
    """The present image of an object of the cell's pool, from a drop in which it lies alone, with
    light, colors and camera of their own; None where the oracle never holds it.

    The cell has to be reset afterwards.

    Args:
        cell: simulated, and one that presents what it holds.
        name: of the object.
        seed: of the drops.

    Raises:
        InputError: a cell that is not simulated or presents nothing, or an unknown object.
    """
    # Nobody watches: this is no attempt of whoever is measured.
    quiet = replace(cell, watchers=())
    scene, oracle = simulated_scene(quiet, "present images"), OraclePolicy(quiet)
    if cell.spec.presented is None:
        raise InputError(
            given=f"the cell {cell.spec.name!r}",
            wanted="a cell that holds things before its camera, as `kuka_bin` does",
        )
    for number in range(TRIES):
        scene.reset_with(TRIES * seed + number, [name])
        played = quiet.attempt(oracle, Ids("presented", seed, number))
        if played.attempt.present is not None and played.lifted:
            return played.attempt.present
    return None
