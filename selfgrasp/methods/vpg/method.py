"""Zeng et al., "Learning synergies between pushing and grasping with self-supervised deep
reinforcement learning", IROS 2018, as a Method."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from selfgrasp.core import Action, Context, Grasp, Heat, InputError, Plan, Policy, Push
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import angle_between_grasps, top_down, yaw_of
from selfgrasp.learn import (
    Batch,
    Examples,
    FitConfig,
    Keep,
    Loss,
    Method,
    Schedule,
    Source,
    Split,
    evaluating,
)
from selfgrasp.learn.target import TargetNetwork
from selfgrasp.methods.vpg import replay
from selfgrasp.methods.vpg.config import Learning, Reward, VPGConfig
from selfgrasp.methods.vpg.densenet import DenseNet, weights_of
from selfgrasp.methods.vpg.examples import CELL_NUMBERS, GRASP, HELD_AFTER, PUSH, batch_of, gather
from selfgrasp.methods.vpg.network import Networks
from selfgrasp.methods.vpg.seen import (
    LATE,
    MAP_PIXEL,
    Scored,
    score_grasps,
    score_pushes,
)
from selfgrasp.methods.vpg.targets import StateValues, target_of
from selfgrasp.methods.vpg.variants import Exploring, LearningOn
from selfgrasp.vision import Heightmap, diverse, heightmap
from selfgrasp.vision.change import CHANGED_AREA, LOST_VOLUME
from selfgrasp.vision.scene_map import NO_DEPTH, NO_RETURN, view_with_depth
from selfgrasp.vision.turned import PUSH_LENGTH

_TARGET_EVERY = 500
"""Steps between two copies of the networks that next states are valued with."""
_SEPARATION = 0.016
"""m between two candidates of a plan, unless their directions differ by more than 40 deg."""
_MISSED_WITHIN, _MISSED_YAW = 0.012, math.radians(15)
"""m and rad around a grasp that closed on nothing, in which a grasp is tried again only after all
else."""
_MISSED_SHARE = 0.25
_MOST = 400
"""Of the best actions of a kind that candidates are chosen among."""


class VPG(Method):
    """Values pushes and grasps at every pixel and direction, and does the most valuable."""

    name = "vpg"
    reads_labels = (HELD_AFTER,)

    def __init__(self, config: VPGConfig) -> None:
        super().__init__()
        self.config: VPGConfig = config
        self.networks = Networks(config, LATE)
        self.target = TargetNetwork(self.networks, every=_TARGET_EVERY)
        self._states = StateValues()

    @classmethod
    def privileged_labels(cls, config: Mapping[str, Any]) -> tuple[str, ...]:
        """What pushes did is measured for one reward alone."""
        return (HELD_AFTER,) if config.get("reward") == Reward.MEASURED else ()

    def recipe(self, *, round: int = 0) -> FitConfig:
        """The last weights: targets move, so no epoch is the best."""
        return FitConfig(
            epochs=8,
            batch=64,
            learning_rate=1e-3,
            schedule=Schedule.COSINE,
            keep=Keep.LAST,
        )

    @property
    def examples_key(self) -> list[object]:
        """Whatever patches, rewards and returns depend on."""
        config = self.config
        return [
            *(config.patch, config.grasp_pixel, config.push_pixel, config.discount, config.view),
            *(config.reward is Reward.MEASURED, CHANGED_AREA, LOST_VOLUME),
            *(config.looks_ahead and CELL_NUMBERS, config.looks_back),
        ]

    def gather(self, source: Source, split: Split, rng: np.random.Generator) -> Examples:
        """See `examples.gather`."""
        return gather(source, split, self.config)

    def priorities(self, examples: Examples) -> FloatArray | None:
        """See `replay.priorities`."""
        return replay.priorities(examples, self.config) if self.config.balanced else None

    def batch(
        self,
        examples: Examples,
        indices: NDArray[np.int64],
        rng: np.random.Generator,
        *,
        augment: bool,
    ) -> Batch:
        """See `examples.batch_of`."""
        batch = batch_of(examples, indices, self.config, rng, augment=augment)
        if augment and self.config.balanced and self.config.probable:
            odds = np.array(replay.log_odds(examples, self.config), np.float32)
            batch["odds"] = torch.from_numpy(odds[examples["kind"][indices]])
        return batch

    def loss(self, batch: Batch) -> Loss:
        """Of the executed action's value alone: cross entropy of what is a probability, or Huber
        loss."""
        networks = self.target.network
        assert isinstance(networks, Networks)
        with torch.no_grad():
            target_B = target_of(batch, networks, self._states, self.config)
        value_B = torch.zeros_like(target_B)
        for kind, tower, late in (
            (GRASP, self.networks.grasp, batch["late"]),
            (PUSH, self.networks.push, batch["late"][:, :0]),
        ):
            rows = torch.nonzero(batch["kind"] == kind)[:, 0]
            if len(rows):
                value_B = value_B.index_put((rows,), tower(batch["picture"][rows], late[rows]))
        if "odds" in batch:
            # So that values are probabilities of the examples as they are.
            value_B = value_B - batch["odds"]
        known_B = target_B.isfinite() & ((batch["kind"] == GRASP) | self.config.pushes)
        target_B = torch.where(known_B, target_B, 0.0)
        each_B = (
            F.binary_cross_entropy_with_logits(value_B, target_B.clamp(0, 1), reduction="none")
            if self.config.probable
            else F.huber_loss(value_B, target_B, reduction="none")
        )
        metrics = _metrics(batch, each_B.detach(), target_B, known_B)
        return Loss((each_B * known_B).mean(), metrics)

    def after_step(self, step: int) -> None:
        """The target networks follow: from a training's first step on, for one that goes on from
        another begins with targets of that one, and may be shorter than an interval."""
        if step == 1 or step % _TARGET_EVERY == 0:
            self.target.follow(self.networks, 0)
            self.forget_states()

    def forget_states(self) -> None:
        """What states are worth is worked out anew."""
        self._states.clear()

    def plan(self, context: Context) -> Plan:
        """The most valuable grasp or push; candidates of both, and the maps "grasp" and "push"."""
        config, spec = self.config, context.spec
        if view_with_depth(context.observation, config.view).depth is None:
            return Plan.nothing(NO_DEPTH)
        top = self.map_of(context)
        with evaluating(self):
            grasps = score_grasps(self.networks, top, spec, config)
            pushes = score_pushes(self.networks, top, spec, config) if config.pushes else None
        actions: list[Action] = []
        values: list[float] = []
        maps: dict[str, Heat] = {}
        for kind, scored in ((GRASP, grasps), (PUSH, pushes)):
            if scored is None:
                continue
            scored = replace(scored, values=self._worth(kind, scored, context))
            maps["push" if kind == PUSH else "grasp"] = _heat(kind, scored, top, config)
            scored = _best(scored)
            best = diverse(
                scored.xy,
                scored.yaw if kind == GRASP else scored.yaw / 2,
                scored.values,
                most=config.candidates,
                separation=_SEPARATION,
            )
            actions += [_action(kind, scored, i, spec.gripper.opening) for i in best.tolist()]
            values += scored.values[best].tolist()
        if not top.valid.any():
            return Plan.nothing(NO_RETURN)
        if not actions:
            return Plan.nothing("nothing stands in the workspace that could be grasped or pushed")
        return Plan(tuple(actions), np.array(values), maps=maps)

    def load_trunk(self, path: Path) -> None:
        """Take DenseNet's layers from a file of torchvision's ImageNet weights, into all four of
        `paper`.

        Raises:
            InputError: no such file, other layers, or the compact networks.
        """
        towers = (self.networks.grasp, self.networks.push)
        dense = [
            module
            for tower in towers
            for module in tower.children()
            if isinstance(module, DenseNet)
        ]
        if not dense:
            raise InputError(
                given=f"{path} as the trunk of vpg with the {self.config.trunk} networks",
                wanted="vpg:paper, whose trunk can come from elsewhere",
            )
        found = weights_of(path)
        for module in dense:
            module.load_state_dict(found)

    def variants(self) -> Mapping[str, Policy]:
        """explore: now and then a random action. grasp: never pushes. learn: goes on learning."""
        grasping = copy(self)
        grasping.config = replace(self.config, pushes=False)
        return {**super().variants(), "grasp": grasping, "learn": LearningOn(self)}

    def exploring(self) -> Policy:
        """The method, which does one of its random candidates in a share of `epsilon`."""
        return Exploring(self)

    def map_of(self, context: Context) -> Heightmap:
        """The heightmap that everything is made of."""
        view = view_with_depth(context.observation, self.config.view)
        return heightmap(view, context.spec.workspace, pixel=MAP_PIXEL, margin=0.0)

    def _worth(self, kind: int, scored: Scored, context: Context) -> FloatArray:
        """(N,) values that grasps and pushes are compared by."""
        config, values = self.config, scored.values
        if config.probable:
            values = 1.0 / (1.0 + np.exp(-values))
        if kind == PUSH:
            weight = config.discount if config.learning is Learning.ONE_STEP else 1.0
            return weight * config.patience**context.pushes * values - config.push_bias
        for miss in context.misses:
            near = np.linalg.norm(scored.xy - miss[:2, 3], axis=1) < _MISSED_WITHIN
            near &= angle_between_grasps(scored.yaw, yaw_of(miss)) < _MISSED_YAW
            values = np.where(near, values - (1.0 - _MISSED_SHARE) * np.abs(values), values)
        return values


def _best(scored: Scored) -> Scored:
    """The best few hundred."""
    if len(scored) <= _MOST:
        return scored
    return scored.take(np.argpartition(scored.values, -_MOST)[-_MOST:])


def _action(kind: int, scored: Scored, index: int, opening: float) -> Action:
    x, y = scored.xy[index].tolist()
    yaw = float(scored.yaw[index])
    z = float(scored.z[index])
    if kind == PUSH:
        return Push(np.array([x, y, z]), yaw, PUSH_LENGTH)
    return Grasp(top_down((x, y, z), yaw), opening)


def _heat(kind: int, scored: Scored, top: Heightmap, config: VPGConfig) -> Heat:
    """The best value in each cell of a map of the world's axes, a layer a direction."""
    pixel, yaws = (
        (config.push_pixel, config.push_yaws)
        if kind == PUSH
        else (config.grasp_pixel, config.grasp_yaws)
    )
    rows, columns = (math.ceil(n * top.pixel / pixel) for n in top.height.shape)
    values = np.full((len(yaws), rows, columns), -np.inf, np.float32)
    cells = np.floor(top.cells(scored.xy) * top.pixel / pixel).astype(np.int64)
    layers = np.searchsorted(yaws, scored.yaw)
    np.maximum.at(
        values,
        (layers, cells[:, 1].clip(0, rows - 1), cells[:, 0].clip(0, columns - 1)),
        scored.values.astype(np.float32),
    )
    values[np.isneginf(values)] = np.nan
    return Heat(values, yaws, top.world_from_map, pixel)


def _metrics(
    batch: Batch, each_B: torch.Tensor, target_B: torch.Tensor, known_B: torch.Tensor
) -> Mapping[str, torch.Tensor]:
    """Means over grasps, and over the pushes whose targets are known."""
    of_push_B = batch["kind"] == PUSH
    return {
        "grasp_loss": each_B[~of_push_B].mean(),
        "push_loss": each_B[of_push_B & known_B].mean(),
        "push_target": target_B[of_push_B & known_B].mean(),
        "held": batch["grasped"][~of_push_B].float().mean(),
    }


METHOD = VPG
"""The registry looks for this name."""
