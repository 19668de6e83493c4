"""What `embedding` hands to who draws it: pictures with what was found."""

from __future__ import annotations

from dataclasses import dataclass

from selfgrasp.core import Heat2D, View


@dataclass(frozen=True, eq=False)
class ShownRetrieval:
    """A lift, and the present picture that is nearest to its difference of scenes (figure 6 of Jang
    et al. 2018).

    Attributes:
        policy: as rows call it.
        objects: as rows call the set of objects.
        before: the scene before the lift.
        after: and after it.
        held: what was lifted.
        found: the picture that was retrieved.
        name: of the lifted object.
        found_name: of the object that was retrieved.
    """

    policy: str
    objects: str
    before: View
    after: View
    held: View
    found: View
    name: str
    found_name: str


@dataclass(frozen=True, eq=False)
class ShownHeat:
    """An object's heat over a scene (figure 4b).

    Attributes:
        policy: as rows call it.
        objects: as rows call the set of objects.
        scene: the picture.
        goal: the present picture that was looked for.
        heat: over the scene.
        name: of the object.
        found_name: of the object that the peak lies on; empty for none.
    """

    policy: str
    objects: str
    scene: View
    goal: View
    heat: Heat2D
    name: str
    found_name: str


@dataclass(frozen=True, eq=False)
class ShownScenes:
    """A scene and those of other drops whose vectors are nearest (figure 4a).

    Attributes:
        policy: as rows call it.
        objects: as rows call the set of objects.
        scene: the picture.
        nearest: pictures, nearest first.
        common: how many visible objects each has in common with the scene; None where that is not
            known.
    """

    policy: str
    objects: str
    scene: View
    nearest: tuple[View, ...]
    common: tuple[int | None, ...]


Shown = ShownRetrieval | ShownHeat | ShownScenes
