"""Levine et al., "Learning hand-eye coordination for robotic grasping with deep learning and large-scale data collection", IJRR 2016, as a Method."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core import Action, Close, Context, Move, Observation, Plan, Policy, draw
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import inverse
from selfgrasp.core.spec import CellSpec
from selfgrasp.learn import Batch, Examples, FitConfig, Loss, Method, Source, Split, evaluating
from selfgrasp.methods.hand_eye.config import HandEyeConfig, Sees
from selfgrasp.methods.hand_eye.examples import (
    GATHERED,
    batch_of,
    camera_of,
    gather,
    hand_of,
    mirrored,
    motion_of,
    normalised,
    resized,
    small_intrinsics,
    state_of,
    towards_camera,
    whole_batch_of,
)  # fmt: skip
from selfgrasp.methods.hand_eye.geometry import displaced, hand_grid, moved, project, rigid_inverse, sample, to_pixels
from selfgrasp.methods.hand_eye.network import HEIGHT_SCALE, Eye, Judge, PictureJudge
from selfgrasp.methods.hand_eye.search import Found, apart, judged_again, search, shunned

_ALTERNATIVES = 12
"""Of a plan's motions."""


class HandEye(Method):
    """Predicts from the first picture and the present one whether the hand, moved and closed, would hold something; servoes to the best motion."""

    name = "hand_eye"

    def __init__(self, config: HandEyeConfig) -> None:
        super().__init__()
        self.config: HandEyeConfig = config
        whole = config.sees is Sees.PICTURES
        self.eye = None if whole else Eye(config)
        self.judge: Judge | PictureJudge = PictureJudge(config) if whole else Judge(config)

    def recipe(self, *, round: int = 0) -> FitConfig:
        """AdamW, a cosine."""
        return FitConfig(epochs=20, learning_rate=1e-3 if round else 2e-3)

    @property
    def examples_key(self) -> list[object]:
        """What `examples.gather` reads of the config."""
        config = self.config
        seen = [config.picture_px] if config.sees is Sees.PICTURES else [config.eye_px, config.pixel, config.stored_px, config.planes]
        return [GATHERED, config.view, config.looks, config.sees, *seen]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather`."""
        return gather(source, split, self.config, rng)

    def batch(self, examples: Examples, indices: NDArray[np.int64], rng: np.random.Generator, *, augment: bool) -> Batch:
        """See `examples.batch_of` and, for the published network, `examples.whole_batch_of`."""
        if self.config.sees is Sees.PICTURES:
            return whole_batch_of(examples, indices, self.config, rng, augment=augment)
        return batch_of(examples, indices, self.config, rng, augment=augment)

    def loss(self, batch: Batch) -> Loss:
        """Cross entropy of success, how far down the hand came, and by how many pixels the eye misplaces points of the bin.

        That the hand is stopped by what lies under its fingers is felt in every attempt, and says more than that one in six holds something.
        """
        seen, motion = ("whole", "motion") if self.eye is None else ("patch", "state")
        logits, height = self.judge(batch[seen], batch[motion]).float().unbind(dim=1)
        weight = batch["weight"] / batch["weight"].sum().clamp_min(1e-6)
        success = (F.binary_cross_entropy_with_logits(logits, batch["grasped"], reduction="none") * weight).sum()
        stopped = (F.smooth_l1_loss(height, batch["height"] / HEIGHT_SCALE, reduction="none", beta=0.2) * weight).sum()
        value = success + self.config.height_weight * stopped
        metrics = {"success_loss": success, "height_loss": stopped, "grasped": batch["grasped"].mean()}
        if self.eye is not None:
            metrics["missed_px"] = missed_px(moved(self.eye(batch["pictures"]).float()), batch)
            value = value + metrics["missed_px"]
        return Loss(value, {name: metric.detach() for name, metric in metrics.items()})

    def plan(self, context: Context, *, temperature: float = 0.0, steps: int | None = None) -> Plan:
        """The next motion, or to close: see `HandEyeConfig`. Scores are the chances of motions' ends, the chosen one's first, then the best ones that
        lie apart; less where the hand has failed before.

        Args:
            context: see there.
            temperature: at which the motion is drawn among all that the search scored; 0 takes the best.
            steps: motions of an attempt at most; `config.steps` by default.
        """
        left = (self.config.steps if steps is None else steps) - context.step
        if left <= 0:
            return Plan((Close(),), np.zeros(1))
        with evaluating(self):
            scored, found = self._search(context, exploring=temperature > 0)
        hand, floor = hand_of(context.observation), context.spec.workspace.low[2]
        pick = draw(found.logits, temperature, context.rng())
        chance = _sigmoid(found.logits)
        standing = float(chance[0] / max(chance[pick.index], 1e-6)) if _over_the_bin(hand, context.spec) else 0.0
        action = self._towards(found.poses[pick.index], standing, hand, context.spec, left)
        others = apart(scored, _ALTERNATIVES, self.config.miss_radius)
        scores = np.r_[chance[0] if isinstance(action, Close) else chance[pick.index], _sigmoid(scored.logits[others])]
        actions = (action, *(_move(hand, pose, floor) for pose in scored.poses[others]))
        return Plan(actions, scores, calibrated=True, chosen=0, probability=pick.probability)

    def _towards(self, pose: FloatArray, standing: float, hand: FloatArray, spec: CellSpec, left: int) -> Action:
        """One of the `left` steps of the way: over the bin, then down by the hover heights, correcting on each; on the floor close, correct, or rise."""
        config, workspace = self.config, spec.workspace
        height = hand[2] - workspace.surface
        if not _over_the_bin(hand, spec):
            return _move(hand, pose, config.hover[0] + workspace.surface)
        if height < config.floor:
            if standing >= config.close_ratio or left == 1:
                return Close()
            if standing < config.raise_ratio and left > 2:
                return Move(np.array([0.0, 0.0, config.rise]), 0.0)
            return _move(hand, pose, hand[2])
        # A hand that rose for another try goes down at once; one that comes from above looks again on the way.
        pause = config.hover[1] if height > (config.hover[0] + config.hover[1]) / 2 and left > 1 else None
        return _move(hand, pose, workspace.low[2] if pause is None else pause + workspace.surface)

    def _search(self, context: Context, *, exploring: bool) -> tuple[Found, Found]:
        """All that was scored, from what the camera sees now, and of that what may be done: when exploring everything, else the best, judged again."""
        spec, now = context.spec, context.observation
        first = context.first or now
        hand = hand_of(now)
        look = _PictureLook(self, first, now) if self.eye is None else _Look(self, first, now, spec)
        over = np.array([*hand[:2], hand[3]]) if _over_the_bin(hand, spec) else None
        return self._found(look, over, context, np.random.default_rng([context.seed, context.step]), exploring=exploring)

    def _found(
        self, look: _Look | _PictureLook, over: FloatArray | None, context: Context, rng: np.random.Generator, *, exploring: bool
    ) -> tuple[Found, Found]:
        def worth(score: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
            return lambda poses: score(poses) - shunned(poses, context.misses, self.config)

        config = self.config
        if exploring:
            config = replace(config, samples=config.explore_samples, iterations=config.explore_iterations)
        found = search(worth(look.logits), over, context.spec.workspace, config, rng)
        final = found if exploring or isinstance(look, _PictureLook) else judged_again(found, worth(look.careful_logits), self.config)
        return found, final

    def mount(self, first: Observation, now: Observation, spec: CellSpec) -> torch.Tensor:
        """(4, 4) nominal_from_camera: where the eye finds the camera, at a first glance and at a second one that begins where the first ended."""
        camera, side = camera_of(spec, self.config), self.config.eye_px
        pictures = torch.cat([normalised(resized(o.view(self.config.view).color, side)) for o in (first, now)])[None]
        nominal, intrinsics = (torch.from_numpy(a).float()[None] for a in (camera.world_from_camera.copy(), small_intrinsics(camera, side)))
        return self.glances(pictures, nominal, intrinsics)[0]

    def glances(self, pictures_B6HW: torch.Tensor, nominal_B44: torch.Tensor, intrinsics_B33: torch.Tensor) -> torch.Tensor:
        """(B, 4, 4) nominal_from_camera."""
        assert self.eye is not None
        coarse = moved(self.eye(pictures_B6HW).float())
        again = displaced(pictures_B6HW, nominal_B44 @ coarse, intrinsics_B33, rigid_inverse(coarse))
        # What the second glance finds is how the corrected picture's camera is off from the nominal one: the first glance's error.
        return moved(self.eye(again).float()) @ coarse

    def variants(self) -> Mapping[str, Policy]:
        """explore: see `exploring`; explore2 to explore10: likewise, with so many motions; forgetful: tries again where it just failed, if that looks best,
        as in the paper; open: one look, calibrated, no servoing."""
        growing = {f"explore{steps}": _Exploring(self, steps) for steps in range(2, self.config.steps + 1)}
        return {**super().variants(), **growing, "forgetful": _Forgetful(self), **({} if self.eye is None else {"open": _OpenLoop(self)})}

    def exploring(self) -> Policy:
        """Draws among all that the search scored, at the temperature `config.explore`."""
        return _Exploring(self, self.config.steps)


class _Look:
    """The pictures of one decision, with everything that does not depend on the motion done once."""

    def __init__(self, method: HandEye, first: Observation, now: Observation, spec: CellSpec, *, world_from_camera: FloatArray | None = None) -> None:
        self._method, self._spec, self._hand = method, spec, hand_of(now)
        config = method.config
        self._camera = camera_of(spec, config)
        views = [o.view(config.view) for o in (first, now)]
        self._pictures = torch.cat([normalised(view.color) for view in views])
        self._intrinsics = torch.tensor(views[0].intrinsics, dtype=torch.float32)
        if world_from_camera is None:
            world_from_camera = self._camera.world_from_camera @ method.mount(first, now, spec).double().numpy()
        self._camera_from_world = torch.from_numpy(inverse(world_from_camera)).float()

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of closing at poses (M, 3)."""
        return self._judged(*self._seen(poses))

    def careful_logits(self, poses: FloatArray) -> FloatArray:
        """As `logits`, the mean over both mirrors of the hand and the half turn."""
        patch, state = self._seen(poses)
        flips = [(x, y) for x in (1.0, -1.0) for y in (1.0, -1.0)]
        patches = torch.cat([patch.flip([axis for axis, flip in ((-1, x), (-2, y)) if flip < 0]) for x, y in flips])
        states = np.concatenate([mirrored(state, np.broadcast_to([x, y], (len(poses), 2))) for x, y in flips])
        mean: FloatArray = self._judged(patches, states).reshape(len(flips), len(poses)).mean(axis=0)
        return mean

    def _seen(self, poses: FloatArray) -> tuple[torch.Tensor, NDArray[np.float32]]:
        """(M, C, S, S) patches and (M, 10) states, see `Judge`."""
        config = self._method.config
        grid = hand_grid(torch.from_numpy(poses).float(), config.patch_px, self._spec.workspace.surface, config)
        found = sample(self._pictures, project(grid, self._camera_from_world, self._intrinsics))
        state = state_of(poses, np.broadcast_to(self._hand, (len(poses), 4)), towards_camera(poses, self._camera))
        # All planes of the first picture come before those of the present one, as in `examples.batch_of`.
        return found.unflatten(2, (2, 3)).transpose(1, 2).flatten(1, 3), state

    def _judged(self, patch: torch.Tensor, state: NDArray[np.float32]) -> FloatArray:
        judged: torch.Tensor = self._method.judge(patch.contiguous(memory_format=torch.channels_last), torch.from_numpy(state))
        return judged[:, 0].double().numpy()


class _PictureLook:
    """As `_Look`, for the published network."""

    def __init__(self, method: HandEye, first: Observation, now: Observation) -> None:
        assert isinstance(method.judge, PictureJudge)
        config = method.config
        pictures = torch.cat([normalised(resized(o.view(config.view).color, config.picture_px)) for o in (first, now)])[None]
        self._judge, self._hand, self._seen = method.judge, hand_of(now), method.judge.seeing(pictures)

    def logits(self, poses: FloatArray) -> FloatArray:
        """(M,) of closing at poses (M, 3)."""
        motion = motion_of(poses, np.broadcast_to(self._hand, (len(poses), 4)))
        return self._judge.judged(self._seen, torch.from_numpy(motion))[:, 0].double().numpy()


@dataclass(frozen=True)
class _OpenLoop:
    """Judges the first picture once, by the camera's calibration, and goes there without looking again: what servoing is compared with."""

    method: HandEye
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method.name}, open loop"

    def plan(self, context: Context) -> Plan:
        first = context.first or context.observation
        method, spec, hand = self.method, context.spec, hand_of(context.observation)
        if hand[2] - spec.workspace.surface < method.config.hover[0] - 0.02:
            return Plan((Close(),), np.zeros(1))
        with evaluating(method):
            look = _Look(method, first, first, spec, world_from_camera=first.view(method.config.view).world_from_camera)
            # The same picture and the same seed at every step: the same pose.
            _, found = method._found(look, None, context, context.rng(), exploring=False)
        best = int(found.logits.argmax())
        height = spec.workspace.low[2] if _over_the_bin(hand, spec) else method.config.hover[0] + spec.workspace.surface
        return Plan((_move(hand, found.poses[best], height),), _sigmoid(found.logits[best : best + 1]), calibrated=True)


@dataclass(frozen=True)
class _Forgetful:
    method: HandEye
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method.name}, forgetful"

    def plan(self, context: Context) -> Plan:
        return self.method.plan(replace(context, misses=()))


@dataclass(frozen=True)
class _Exploring:
    method: HandEye
    steps: int
    privileged: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.method.name

    def plan(self, context: Context) -> Plan:
        return self.method.plan(context, temperature=self.method.config.explore, steps=self.steps)


def missed_px(mount_B44: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean distance in px of the eye's pictures between where points of the bin appear and where they would, were the camera where the eye believes."""
    steps = mount_B44.new_tensor([-0.15, 0.0, 0.15])
    points = torch.cartesian_prod(steps, steps, mount_B44.new_tensor([0.0, 0.1]))
    camera_from_world = rigid_inverse(batch["nominal"])
    nominal_BN3 = points @ camera_from_world[:, :3, :3].transpose(1, 2) + camera_from_world[:, None, :3, 3]
    px = []
    for mount in (mount_B44, batch["mount"]):
        camera_from_nominal = rigid_inverse(mount)
        seen = nominal_BN3 @ camera_from_nominal[:, :3, :3].transpose(1, 2) + camera_from_nominal[:, None, :3, 3]
        px.append(torch.stack([to_pixels(s, k) for s, k in zip(seen, batch["intrinsics"], strict=True)]))
    return (px[0] - px[1]).norm(dim=-1).mean()


def _over_the_bin(hand: FloatArray, spec: CellSpec) -> bool:
    return spec.workspace.contains(np.array([*hand[:2], min(hand[2], spec.workspace.high[2])]), margin=0.03)


def _move(hand: FloatArray, pose: FloatArray, height: float) -> Move:
    turn = (pose[2] - hand[3] + math.pi / 2) % math.pi - math.pi / 2
    return Move(np.array([*(pose[:2] - hand[:2]), height - hand[2]]), turn)


def _sigmoid(x: FloatArray) -> FloatArray:
    result: FloatArray = 1 / (1 + np.exp(-np.clip(x, -30, 30)))
    return result


METHOD = HandEye
