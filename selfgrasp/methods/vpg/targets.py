"""What the networks learn: the target of each executed action."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from selfgrasp.core.pose import pose
from selfgrasp.learn import Batch
from selfgrasp.methods.vpg.config import Learning, Reward, VPGConfig
from selfgrasp.methods.vpg.examples import CHANGE_REWARD, PUSH, cell_of
from selfgrasp.methods.vpg.network import Networks
from selfgrasp.methods.vpg.seen import MAP_PIXEL, score_grasps, score_pushes
from selfgrasp.vision import Heightmap


class StateValues:
    """Best values of whole states, by the networks that targets are made with; each state's is
    worked out once until these change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], float] = {}

    def clear(self) -> None:
        """The networks have changed."""
        self._known.clear()

    def of(
        self,
        batch: Batch,
        wanted_B: torch.Tensor,
        networks: Networks,
        config: VPGConfig,
        *,
        state: str = "next",
    ) -> torch.Tensor:
        """(B,) best value of the state that each row led to, or of the one before it (`now`); 0
        where it is not wanted."""
        values_B = torch.zeros(len(wanted_B))
        rows = batch["row"].tolist()
        for index in torch.nonzero(wanted_B)[:, 0].tolist():
            key = (state, rows[index])
            if key not in self._known:
                self._known[key] = _best_value(batch, index, networks, config, state)
            values_B[index] = self._known[key]
        return values_B.to(wanted_B.device)


def target_of(
    batch: Batch, networks: Networks, values: StateValues, config: VPGConfig
) -> torch.Tensor:
    """(B,) what the value of each executed action should be; NaN where that is unknown.

    Args:
        batch: see `examples.batch_of`.
        networks: what next states are valued with.
        values: what was worked out of states before.
        config: what is learned.
    """
    is_push_B = batch["kind"] == PUSH
    held_B, changed_B = batch["grasped"].float(), batch["changed"].float()
    match config.learning:
        case Learning.REACTIVE:
            return torch.where(is_push_B, changed_B, held_B)
        case Learning.TRIAL:
            return batch["follows"]
        case Learning.ONE_STEP:
            worth_B = _worth(batch, networks, values, config)
            # What pushes something off the table is worth nothing, whatever can be grasped then.
            worth_B = torch.where(batch["lost"], 0.0, worth_B)
            return torch.where(is_push_B, worth_B, held_B)
    of_push_B = CHANGE_REWARD * changed_B if config.reward is Reward.CHANGE else 0.0 * changed_B
    reward_B = torch.where(is_push_B, of_push_B, held_B)
    if not config.looks_ahead:
        return reward_B
    # Nothing changed: nothing is gained by what comes next (Zeng et al. 2018, the published code).
    goes_on_B = batch["changed"] | batch["grasped"]
    return reward_B + config.discount * values.of(batch, goes_on_B, networks, config)


def _worth(
    batch: Batch, networks: Networks, values: StateValues, config: VPGConfig
) -> torch.Tensor:
    """(B,) what pushes alone are worth, 0 to 1."""
    if config.reward is Reward.MEASURED:
        return batch["measured"]
    if config.reward is Reward.FOLLOWED:
        return batch["followed"]
    moved_B = (batch["kind"] == PUSH) & batch["changed"]
    after_B = values.of(batch, moved_B, networks, config)
    if config.reward is Reward.NEXT:
        return after_B
    before_B = values.of(batch, moved_B, networks, config, state="now")
    return (after_B - before_B).clamp(min=0.0)


def _best_value(
    batch: Batch, index: int, networks: Networks, config: VPGConfig, state: str
) -> float:
    spec = cell_of(batch["cell"][index].cpu().numpy())
    color: NDArray[np.uint8] = batch[f"{state}_color"][index].cpu().numpy()
    height = batch[f"{state}_height"][index].float().cpu().numpy()
    low = spec.workspace.low
    top = Heightmap(
        color,
        height,
        np.ones(height.shape, bool),
        pose(translation=(low[0], low[1], 0.0)),
        MAP_PIXEL,
    )
    values = score_grasps(networks, top, spec, config).values
    if config.learning is Learning.Q and config.pushes:
        values = np.concatenate([values, score_pushes(networks, top, spec, config).values])
    if config.probable:
        values = 1.0 / (1.0 + np.exp(-values))
    return float(values.max(initial=0.0))
