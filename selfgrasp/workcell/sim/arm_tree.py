"""Bodies and joints of an arm's file as a tree."""

from __future__ import annotations

from collections.abc import Iterator

from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import pose
from selfgrasp.workcell.sim import gl as _gl  # noqa: F401  sets MUJOCO_GL before MuJoCo is imported

import mujoco  # isort: skip

_OF_FINGERS = ("finger", "jaw", "knuckle", "thumb", "claw")
_OF_GRIPPERS = ("gripper", *_OF_FINGERS)
_HINGE = int(mujoco.mjtJoint.mjJNT_HINGE)


class Tree:
    """Bodies, joints and sites of a compiled model whose parts all have names."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self.model, self.data = model, mujoco.MjData(model)
        mujoco.mj_kinematics(model, self.data)
        mujoco.mj_comPos(model, self.data)
        self.parent = model.body_parentid.tolist()
        self.children: list[list[int]] = [[] for _ in range(model.nbody)]
        for body in range(1, model.nbody):
            self.children[self.parent[body]].append(body)

    def name(self, body: int) -> str:
        """Of a body."""
        return str(self.model.body(body).name)

    def joints(self, body: int) -> list[int]:
        """Those that move a body against its parent."""
        first = int(self.model.body_jntadr[body])
        return list(range(first, first + int(self.model.body_jntnum[body])))

    def hinges(self, body: int) -> list[int]:
        """Those of them that turn; none of a body that slides as well, as a base on wheels does."""
        joints = self.joints(body)
        return joints if all(int(self.model.jnt_type[j]) == _HINGE for j in joints) else []

    def below(self, body: int) -> Iterator[int]:
        """A body and all that hang on it."""
        yield body
        for child in self.children[body]:
            yield from self.below(child)

    def path(self, body: int) -> list[int]:
        """Bodies from the root to this one."""
        path = [body]
        while self.parent[path[0]]:
            path.insert(0, self.parent[path[0]])
        return path

    def turned(self, body: int) -> int:
        """Hinges from the root to this body."""
        return sum(len(self.hinges(one)) for one in self.path(body)) if body else 0

    def longest(self, body: int) -> int:
        """Hinges of the longest chain that begins with this body."""
        return len(self.hinges(body)) + max(map(self.longest, self.children[body]), default=0)

    def moves(self, body: int) -> bool:
        """Whether anything on it, or it, has a joint."""
        return any(self.joints(one) for one in self.below(body))

    def of_a_gripper(self, body: int) -> bool:
        """Whether its first joint is no arm's: one that slides, or of a finger by its name."""
        if not self.joints(body):
            kinds = [self.of_a_gripper(c) for c in self.children[body] if self.moves(c)]
            return bool(kinds) and all(kinds)
        said = " ".join(self.model.joint(j).name for j in self.joints(body)).lower()
        last = not any(self.moves(child) for child in self.children[body])
        return (
            not self.hinges(body)
            or any(word in said for word in _OF_GRIPPERS)
            or (last and any(word in self.name(body).lower() for word in _OF_FINGERS))
        )

    def pose(self, body: int) -> FloatArray:
        """(4, 4) in the world, where the file puts it."""
        return pose(rotation=self.data.xmat[body].reshape(3, 3), translation=self.data.xpos[body])
