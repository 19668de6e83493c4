"""Epsilon quality of two soft contacts (Ferrari and Canny 1992): the smallest wrench in any
direction that breaks a grasp whose wrenches are the convex hull of what its contacts can apply.

Wrenches are (force, scale x torque about the center of mass). A contact with inward normal n
presses with m = |n . axis| along n and with friction in eight directions u: m (n + mu u), and
twists by +-pi r^2 mu m n, as in the published code of Dex-Net 2.0 (Mahler et al. 2017).

The hull contains the ball of radius epsilon exactly when its polar, the vectors y with y . w <= 1
for every wrench w, lies in the ball of radius 1 / epsilon: so epsilon is 1 over the longest vertex
of the polar. For two contacts these vertices are known in closed form. With y = (s, t) and
g_i = s + scale t x p_i, a contact allows the g_i of a pyramid with its apex at n_i / m_i. Both g_i
have the same component along the axis, from 1 at the first apex to -1 at the second. Without
torsion the polar is therefore a polytope of 16 vertices (one apex, and one of eight rays of the
other pyramid) and 80 edges, times a line: t along the axis. Torsion cuts that line at both ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfgrasp.core.arrays import FloatArray, unit

CONE_EDGES = 8
_HALF_EDGE = np.pi / CONE_EDGES
_PARALLEL = 1e-9


@dataclass(frozen=True, eq=False)
class TwoContacts:
    """N grasps by two contacts each.

    Attributes:
        points: (N, 2, 3) m from the center of mass.
        normals: (N, 2, 3) unit vectors into the object.
    """

    points: FloatArray
    normals: FloatArray

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, rows: NDArray[np.generic] | slice) -> TwoContacts:
        return TwoContacts(self.points[rows], self.normals[rows])

    @property
    def axes(self) -> FloatArray:
        """(N, 3) unit vectors from the first contact to the second."""
        between = self.points[:, 1] - self.points[:, 0]
        axes: FloatArray = between / np.linalg.norm(between, axis=1, keepdims=True)
        return axes


@dataclass(frozen=True)
class SoftFinger:
    """What a contact can do.

    Attributes:
        radius: m of the patch that resists twisting.
        torque_scale: 1/m by which torques are multiplied before they are compared with forces.
    """

    radius: float = 0.005
    torque_scale: float = 1000.0


def force_closure(contacts: TwoContacts, friction: FloatArray) -> NDArray[np.bool_]:
    """(N,) whether the axis lies inside both friction pyramids (Nguyen 1988).

    Args:
        contacts: N grasps.
        friction: (N,) coefficients.
    """
    return _pyramids(contacts, friction).closed


def tangents(contacts: TwoContacts) -> FloatArray:
    """(N, 2, 2, 3) two unit vectors across each normal, from which friction is counted. They belong
    to the grasp and not to the world, so that quality does not hang on the pose."""
    across = _across(contacts, contacts.axes)[:, None]
    along = np.sum(across * contacts.normals, axis=-1, keepdims=True)
    first = unit(across - along * contacts.normals)
    return np.stack([first, np.cross(contacts.normals, first)], axis=2)


def epsilon(
    contacts: TwoContacts, friction: FloatArray, finger: SoftFinger | None = None
) -> FloatArray:
    """(N,) epsilon quality, 0 without force closure.

    Equal to the smallest distance of a facet of the wrenches' convex hull from the origin.

    Args:
        contacts: N grasps.
        friction: (N,) coefficients.
        finger: of both contacts.
    """
    finger = finger or SoftFinger()
    found = np.zeros(len(contacts))
    pyramids = _pyramids(contacts, friction)
    rows = np.flatnonzero(pyramids.closed)
    if len(rows):
        found[rows] = 1.0 / _longest(contacts[rows], friction[rows], pyramids[rows], finger)
    return found


@dataclass(frozen=True, eq=False)
class _Pyramids:
    """Where both pyramids of allowed g lie, along the grasp's axis and across it.

    Attributes:
        axes: (N, 3).
        cosines: (N, 2) of the angle between each normal and the axis: m.
        apexes: (N, 2, 3).
        ends: (N, 2, 8, 3) where the rays of each pyramid meet the height of the other's apex.
        closed: (N,) whether they do.
    """

    axes: FloatArray
    cosines: FloatArray
    apexes: FloatArray
    ends: FloatArray
    closed: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.int64]) -> _Pyramids:
        return _Pyramids(
            self.axes[rows],
            self.cosines[rows],
            self.apexes[rows],
            self.ends[rows],
            self.closed[rows],
        )


def _pyramids(contacts: TwoContacts, friction: FloatArray) -> _Pyramids:
    axes = contacts.axes
    towards = np.stack([axes, -axes], axis=1)
    cosines = np.einsum("nij,nij->ni", contacts.normals, towards)
    first, second = np.moveaxis(tangents(contacts), 2, 0)
    angles = 2 * np.pi * np.arange(CONE_EDGES) / CONE_EDGES + _HALF_EDGE
    sides = (
        np.cos(angles)[:, None] * first[:, :, None, :]
        + np.sin(angles)[:, None] * second[:, :, None, :]
    )
    slope = friction * np.cos(_HALF_EDGE)
    rays = sides - slope[:, None, None, None] * contacts.normals[:, :, None, :]
    falls = -np.einsum("nikj,nij->nik", rays, towards)
    closed = (cosines > 0).all(axis=1) & (falls > 0).all(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        apexes = contacts.normals / cosines[..., None]
        ends = apexes[:, :, None, :] + 2.0 / falls[..., None] * rays
    return _Pyramids(axes, cosines, apexes, ends, closed)


def _across(contacts: TwoContacts, axes: FloatArray) -> FloatArray:
    """(N, 3) unit vectors across the axes: from the center of mass to the axis, or else to where
    the first normal leans, or else any."""
    found = np.zeros_like(axes)
    for wanted in (contacts.points[:, 0], contacts.normals[:, 0], *np.eye(3)[:2, None]):
        off_axis = wanted - np.sum(wanted * axes, axis=1, keepdims=True) * axes
        missing = np.linalg.norm(found, axis=1) < _PARALLEL
        found[missing] = off_axis[missing]
    return unit(found)


def _longest(
    contacts: TwoContacts, friction: FloatArray, pyramids: _Pyramids, finger: SoftFinger
) -> FloatArray:
    """(N,) length of the longest vertex of the polar of N closed grasps.

    A point of the polar is y = v + along (-scale axis x p, axis), where v = (s, t) lies on the
    polytope and t is across the axis; |y|^2 = |v|^2 + slope along + curve along^2.
    """
    scale, axes = finger.torque_scale, pyramids.axes
    first = np.concatenate(
        [np.repeat(pyramids.apexes[:, :1], CONE_EDGES, 1), pyramids.ends[:, 0]], 1
    )
    second = np.concatenate(
        [pyramids.ends[:, 1], np.repeat(pyramids.apexes[:, 1:], CONE_EDGES, 1)], 1
    )
    at = contacts.points[:, 0]
    length = np.linalg.norm(contacts.points[:, 1] - at, axis=1)[:, None, None]
    twist = -np.cross(axes[:, None], first - second) / (scale * length)
    vertices = np.concatenate([first - scale * np.cross(twist, at[:, None]), twist], axis=-1)
    lever = scale * np.cross(axes, at)
    squares = vertices @ vertices.transpose(0, 2, 1)
    slope = -2.0 * np.einsum("nvi,ni->nv", vertices[..., :3], lever)
    curve = 1.0 + np.sum(lever * lever, axis=1)

    # Where each contact's torsion cuts the line: along = -offset +- reach.
    off_axis = np.einsum("nvi,nci->nvc", twist, contacts.normals)
    offsets = off_axis * (_SIGNS / pyramids.cosines)[:, None]
    torsion = np.pi * finger.radius**2 * friction[:, None] * pyramids.cosines
    reach = 1.0 / (scale * torsion * pyramids.cosines)

    low = (-offsets - reach[:, None]).max(axis=-1)
    high = (-offsets + reach[:, None]).min(axis=-1)
    own = np.einsum("nvv->nv", squares)
    far = np.maximum(low * (slope + curve[:, None] * low), high * (slope + curve[:, None] * high))
    longest = np.where(low <= high, own + far, 0.0).max(axis=1)

    # Where both cut it at one place, on an edge of the polytope.
    apart = offsets[..., 0] - offsets[..., 1]
    for sign_1, sign_2 in _CUTS:
        wanted = sign_1 * reach[:, 0] - sign_2 * reach[:, 1]
        beyond = apart > wanted[:, None]
        rows, edges = np.nonzero(beyond[:, _EDGES[:, 0]] != beyond[:, _EDGES[:, 1]])
        a, b = _EDGES[edges].T
        share = (wanted[rows] - apart[rows, a]) / (apart[rows, b] - apart[rows, a])
        rest = 1.0 - share
        along = sign_1 * reach[rows, 0] - rest * offsets[rows, a, 0] - share * offsets[rows, b, 0]
        found = (
            rest * rest * own[rows, a]
            + 2.0 * rest * share * squares[rows, a, b]
            + share * share * own[rows, b]
            + along * (rest * slope[rows, a] + share * slope[rows, b] + curve[rows] * along)
        )
        np.maximum.at(longest, rows, found)
    lengths: FloatArray = np.sqrt(longest)
    return lengths


def _edges() -> NDArray[np.int64]:
    """(80, 2) pairs of the 16 vertices: the two polygons' sides, and all pairs between them."""
    ring = [(k, (k + 1) % CONE_EDGES) for k in range(CONE_EDGES)]
    other = [(a + CONE_EDGES, b + CONE_EDGES) for a, b in ring]
    between = [(a, b + CONE_EDGES) for a in range(CONE_EDGES) for b in range(CONE_EDGES)]
    return np.array([*ring, *other, *between])


_EDGES = _edges()
_SIGNS = np.array([1.0, -1.0])
_CUTS = ((1.0, 1.0), (-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0))
