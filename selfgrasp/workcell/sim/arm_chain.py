"""Which part of a compiled model is the arm: its hinges from the root to the flange, whatever else
the file holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import inverse, pose
from selfgrasp.workcell.sim.arm_tree import Tree

import mujoco  # isort: skip

HINGES = 4
"""The fewest of an arm."""
_MOST_HINGES = 100
FLANGE_NAMES = (
    "attachment_site",
    "right_hand",
    "tool0",
    "flange",
    "link_ee",
    "ee_link",
)
"""What sites and bodies that carry a tool are usually called."""
_SEPARATORS = "_-/:. "
"""Between what comes before such a name and the name."""
_ALONG_X = ("flange", "ee_link")
"""Those that have the approach along +x in ROS-Industrial's files, beside a tool0 along +z."""
_APART = 0.005
"""m between the last two hinges, along the last one, from which they say what is outwards."""
_GAP = 0.03
"""m between the arm's last shape and a palm's frame from which that is no place for a hand."""
_ALONG = 0.9
"""Cosine from which a frame's +z points along the last hinge."""


@dataclass(frozen=True, eq=False)
class Chain:
    """An arm in a compiled model.

    Attributes:
        root: name of its first body.
        carrier: name of the body that carries the hand.
        flange: what the hand is put on, in words.
        body_from_flange: (4, 4) in the carrier, +z away from the arm.
        hinges: names of its joints, base first.
        held: names of the other joints that stay, and stand still.
        removed: names of bodies that hang on the flange, and are left away with all on them.
    """

    root: str
    carrier: str
    flange: str
    body_from_flange: FloatArray
    hinges: tuple[str, ...]
    held: tuple[str, ...]
    removed: tuple[str, ...]


def find_chain(model: mujoco.MjModel, wanted: str = "") -> Chain:
    """The arm in a model whose bodies, joints and sites have names.

    Args:
        model: compiled.
        wanted: the site or body that is the flange. Without it: one with a usual name, or else
            where a gripper of the file's begins, or else the last body of the longest chain of
            hinges; these two with +z along the last hinge.

    Raises:
        InputError: no such site or body, several arms and no word which, or not 4 to 100 hinges.
    """
    tree = Tree(model)
    carrier, flange, body_from_flange, removed = _flange(tree, wanted)
    path = tree.path(carrier)
    hinges = [j for body in path for j in tree.hinges(body)]
    if len(hinges) < HINGES:
        raise InputError(
            given=f"an arm with {len(hinges)} hinges from its root to {flange}",
            wanted=f"at least {HINGES}; another flange is named by --options.flange",
            exists=_places(model),
        )
    if len(hinges) > _MOST_HINGES:
        raise InputError(
            given=f"an arm with {len(hinges)} hinges", wanted=f"at most {_MOST_HINGES}"
        )
    gone = {one for body in removed for one in tree.below(body)}
    kept = [body for body in tree.below(path[0]) if body not in gone]
    held = [j for body in kept for j in tree.joints(body) if j not in hinges]
    _check_free(model, hinges)
    return Chain(
        tree.name(path[0]),
        tree.name(carrier),
        flange,
        body_from_flange,
        tuple(model.joint(j).name for j in hinges),
        tuple(model.joint(j).name for j in held),
        tuple(tree.name(body) for body in removed),
    )


def _check_free(model: mujoco.MjModel, hinges: list[int]) -> None:
    """Raises: InputError, where the file ties a hinge of the arm to another joint."""
    for number in np.flatnonzero(model.eq_type == int(mujoco.mjtEq.mjEQ_JOINT)):
        tied, to = int(model.eq_obj1id[number]), int(model.eq_obj2id[number])
        if model.eq_active0[number] and tied in hinges:
            other = model.joint(to).name if to >= 0 else "a place"
            raise InputError(
                given=f"a hinge of the arm, {model.joint(tied).name}, that follows {other}",
                wanted="hinges that each turn by themselves",
            )


def _flange(tree: Tree, wanted: str) -> tuple[int, str, FloatArray, list[int]]:
    """The body that carries the hand, what it is put on in words, where, and what goes."""
    model = tree.model
    sites = {model.site(i).name: i for i in range(model.nsite)}
    bodies = {tree.name(b): b for b in range(1, model.nbody)}
    if wanted and wanted not in sites and wanted not in bodies:
        raise InputError(
            given=f"the flange {wanted!r}",
            wanted="a site or body of the arm",
            exists=_places(model),
        )
    for usual in (wanted,) if wanted else FLANGE_NAMES:
        for kind, named in (("site", sites), ("body", bodies)):
            carriers = {
                name: int(model.site_bodyid[number]) if kind == "site" else number
                for name, number in named.items()
                if name == usual or (not wanted and _ends_in(name, usual))
            }
            found = [n for n, body in carriers.items() if wanted or tree.turned(body) >= HINGES]
            if len(found) > 1 and usual not in found:
                raise _several(found, model)
            if not found:
                continue
            name = usual if usual in found else found[0]
            body = carriers[name]
            place = _in_body(tree, body, sites.get(name), kind)
            place, said = _turned(tree, body, place, name.lower().endswith(_ALONG_X))
            return body, f"{kind} {name}{said}", place, _on_flange(tree, body)
    return _guessed(tree)


def _ends_in(name: str, usual: str) -> bool:
    """Whether a name is a usual one, with a prefix or not: ur5e/tool0, left_tool0, Tool0."""
    before, found, after = name.lower().rpartition(usual)
    return bool(found) and not after and (not before or before[-1] in _SEPARATORS)


def _on_flange(tree: Tree, carrier: int) -> list[int]:
    """What hangs on the flange's body, and what moves beside it on the last link: a gripper of the
    file's own is often put there."""
    path = tree.path(carrier)
    last = max((i for i, body in enumerate(path) if tree.hinges(body)), default=len(path) - 1)
    beside = [
        child
        for body in path[last:-1]
        for child in tree.children[body]
        if child not in path and tree.moves(child)
    ]
    return [*tree.children[carrier], *beside]


def _in_body(tree: Tree, body: int, site: int | None, kind: str) -> FloatArray:
    if kind == "body" or site is None:
        return np.eye(4)
    data = tree.data
    there = pose(rotation=data.site_xmat[site].reshape(3, 3), translation=data.site_xpos[site])
    return inverse(tree.pose(body)) @ there


def _turned(
    tree: Tree, body: int, place: FloatArray, often_along_x: bool
) -> tuple[FloatArray, str]:
    """A named flange, and words where its +z is not along the last hinge. One whose +x is, where
    its name lets one expect it, is turned to have the approach along +z."""
    out = _last_hinge(tree, tree.path(body))
    if out is None or out @ place[:3, 2] > _ALONG:
        return place, ""
    if often_along_x and out @ place[:3, 0] > _ALONG:
        x, y, z = place[:3, :3].T
        turned = pose(rotation=np.stack([y, z, x], axis=1), translation=place[:3, 3])
        return turned, " (its +x is the approach)"
    degrees = np.degrees(np.arccos(np.clip(out @ place[:3, 2], -1, 1)))
    return place, f" (its +z, the approach, lies {degrees:.0f} degrees off the last hinge)"


def _guessed(tree: Tree) -> tuple[int, str, FloatArray, list[int]]:
    """The end of the chain of hinges, before the file's own gripper."""
    roots = [b for b in tree.children[0] if tree.longest(b) >= HINGES]
    if len(roots) > 1:
        raise _several([tree.name(b) for b in roots], tree.model)
    if not roots:
        roots = sorted(tree.children[0], key=tree.longest)[-1:]
    if not roots:
        raise InputError(given="a file without a body", wanted="an arm")
    body, turned = roots[0], len(tree.hinges(roots[0]))
    while True:
        moving = [c for c in tree.children[body] if tree.moves(c)]
        moving.sort(key=tree.longest, reverse=True)
        long = [c for c in moving if tree.longest(c) >= HINGES]
        if turned < HINGES:
            arms = moving
        elif len(moving) == 1:
            arms = [c for c in moving if not tree.of_a_gripper(c)]
        else:  # Several long ones are the fingers of a hand.
            arms = long if len(long) == 1 and not tree.of_a_gripper(long[0]) else []
        if turned < HINGES and len(long) > 1:
            raise _several([tree.name(c) for c in long], tree.model)
        if not arms:
            return _end(tree, body, moving)
        body = arms[0]
        turned += len(tree.hinges(body))


def _end(tree: Tree, body: int, moving: list[int]) -> tuple[int, str, FloatArray, list[int]]:
    """The last body that a hinge of the arm turns, with the hand where the file's gripper begins:
    the palm is the first body that does not move against it, on the way to the fingers."""
    path = tree.path(body)
    if len(moving) == 1 and not tree.joints(moving[0]):
        path.append(moving[0])
    last = max((i for i, one in enumerate(path) if tree.hinges(one)), default=0)
    carrier = path[last]
    if moving and last + 1 < len(path):
        palm = path[last + 1]
        place = _outwards(tree, path[: last + 1], inverse(tree.pose(carrier)) @ tree.pose(palm))
        out = place[:3, 2]
        beyond = float(out @ place[:3, 3]) - _reach(tree, carrier, place)
        if beyond > _GAP:
            place[:3, 3] -= beyond * out
        return carrier, f"body {tree.name(carrier)} in place of {tree.name(palm)}", place, [palm]
    place = _outwards(tree, path[: last + 1], np.eye(4))
    return carrier, f"body {tree.name(carrier)}", place, [*tree.children[carrier]]


def _reach(tree: Tree, body: int, place: FloatArray) -> float:
    """m along the +z of `place` from the body's origin to where its shapes end: a palm whose frame
    lies between its fingers is not where the hand goes. Infinite for a body without shapes."""
    model, ends = tree.model, []
    for geom in np.flatnonzero(model.geom_bodyid == body):
        turn = np.empty(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        center, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
        along = turn.reshape(3, 3).T @ place[:3, 2]
        ends.append(place[:3, 2] @ model.geom_pos[geom] + along @ center + np.abs(along) @ half)
    return float(max(ends)) if ends else float("inf")


def _outwards(tree: Tree, path: list[int], place: FloatArray) -> FloatArray:
    """`place` in the last body of `path`, its +z turned along the last hinge and away from the
    arm, as that of a flange is; a frame whose +z is so already stays as it is."""
    out = _last_hinge(tree, path)
    if out is None or out @ place[:3, 2] > _ALONG:
        return place
    side = place[:3, int(np.argmin(np.abs(out @ place[:3, :2])))]
    x = side - (side @ out) * out
    x /= np.linalg.norm(x)
    return pose(rotation=np.stack([x, np.cross(out, x), out], axis=1), translation=place[:3, 3])


def _last_hinge(tree: Tree, path: list[int]) -> FloatArray | None:
    """(3,) the axis of the last hinge in the last body of `path`, away from the arm."""
    hinges = [j for body in path for j in tree.hinges(body)]
    if len(hinges) < 2:
        return None
    data = tree.data
    axis = data.xaxis[hinges[-1]]
    along = float(axis @ (data.xanchor[hinges[-1]] - data.xanchor[hinges[-2]]))
    if abs(along) < _APART:
        along = float(axis @ (data.subtree_com[path[-1]] - data.xanchor[hinges[-1]]))
    out: FloatArray = tree.pose(path[-1])[:3, :3].T @ (axis if along >= 0 else -axis)
    return out


def _several(names: list[str], model: mujoco.MjModel) -> InputError:
    return InputError(
        given=f"a file with several arms or flanges: {', '.join(sorted(names)[:6])}",
        wanted="the one that carries the hand, named by --options.flange",
        exists=_places(model),
    )


def _places(model: mujoco.MjModel) -> str:
    sites = [model.site(i).name for i in range(model.nsite)]
    bodies = [model.body(i).name for i in range(1, model.nbody)]
    return ", ".join(dict.fromkeys([*sites, *bodies]))[:600]
