"""Grasp, push, servo, release: written once, over the drivers of any robot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from selfgrasp.core.action import Action, Close, Grasp, Move, Push, Release
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.attempt import Fault
from selfgrasp.core.observation import Hand
from selfgrasp.core.pose import pose, rotation_about_z, top_down, wrapped, yaw_of
from selfgrasp.workcell.drivers import Control, Drivers, Reached


@dataclass(frozen=True)
class ShakeConfig:
    """How what is held is shaken; how hard is up to the arm, which accelerates as it can.

    Attributes:
        height: m above the surface of the middle of the shake. A simulated arm goes through free
            air above 0.24 m without physics: a shake up there tests nothing.
        along: m to both sides along the closing axis.
        across: m to both sides across it.
        up: m up and down.
        turn: rad about the vertical to both sides.
        times: of each.
        speed: m/s at most. At 15 m/s^2 the flying hand reaches 1.2 m/s within 10 cm.
    """

    height: float = 0.21
    along: float = 0.05
    across: float = 0.05
    up: float = 0.04
    turn: float = 0.5
    times: int = 2
    speed: float = 1.5


@dataclass(frozen=True)
class MotionConfig:
    """Heights in m and speeds in m/s of the motions, and how many an attempt may have.

    Nothing may hang over the workspace lower than `clear_height`, or a grasp's height plus `lift`
    where that is more.

    Attributes:
        clear_height: above the surface, from where on nothing stands.
        approach: height above the target at which the hand slows down.
        lift: how far a closed hand rises at least before it is judged.
        transit_speed: in free air.
        approach_speed: on the last of the way down.
        lift_speed: of a closed hand.
        push_speed: along a push.
        release_height: of the fingertips above the surface when they let go.
        most_moves: of one attempt; a policy that has not closed by then never will. How many moves
            a policy means to make is its own affair (`ServoConfig.steps`), and fewer than these.
        shake: of what the closed hand holds once it has risen; None for no shake.
    """

    clear_height: float = 0.25
    approach: float = 0.08
    lift: float = 0.20
    transit_speed: float = 1.0
    approach_speed: float = 0.5
    lift_speed: float = 0.8
    push_speed: float = 0.2
    release_height: float = 0.09
    most_moves: int = 50
    shake: ShakeConfig | None = None


@dataclass(frozen=True, eq=False)
class Done:
    """What really happened.

    Attributes:
        executed: the action as it was carried out; None if nothing moved.
        hand: after the motion.
        closed_width: m between the fingers right after they closed, before the lift; None if they
            did not close.
        lifted: whether the closed hand could rise: one that holds on to the bin's wall cannot.
        fault: why it ended early, or None.
    """

    executed: Action | None
    hand: Hand
    closed_width: float | None = None
    lifted: bool = False
    fault: Fault | None = None


def grasp(drivers: Drivers, action: Grasp, config: MotionConfig, control: Control) -> Done:
    """Open, go above, come down, close, lift. A descent that is blocked closes where it stopped."""
    target = action.world_from_tool
    drivers.gripper.open(action.width, control=control)
    down = _descend(drivers, target, config, control)
    if down.fault is Fault.STOPPED:
        return Done(None, drivers.hand(), fault=Fault.STOPPED)
    done = close_and_lift(drivers, config, control)
    return replace(
        done, executed=Grasp(down.world_from_tool, action.width), fault=done.fault or down.fault
    )


def close_and_lift(drivers: Drivers, config: MotionConfig, control: Control) -> Done:
    """Close where the hand is and rise by `lift`, or to the height where nothing stands."""
    drivers.gripper.close(control=control)
    closed_width = drivers.gripper.width()
    up = drivers.arm.pose().copy()
    up[2, 3] = max(up[2, 3] + config.lift, _clear(drivers, config))
    reached = drivers.arm.move(up, speed=config.lift_speed, control=control)
    return Done(Close(), drivers.hand(), closed_width, reached.fault is None, reached.fault)


def shake(
    drivers: Drivers, done: Done, config: ShakeConfig, motions: MotionConfig, control: Control
) -> Done:
    """Carry what was lifted over the middle of the workspace and shake it there (Mahler et al.
    2017, section VI): along and across the closing axis, up and down, about the vertical. Then rise
    again, so that nothing is left to happen to what barely hangs on. A stroke that is blocked ends
    where it was stopped, and the next one begins there.

    Args:
        drivers: of the robot.
        done: the lift.
        config: how.
        motions: speeds.
        control: stop event and speed scale.
    """
    workspace = drivers.arm.workspace
    middle = (workspace.low + workspace.high)[:2] / 2
    over = top_down([*middle, workspace.surface + config.height], yaw_of(drivers.arm.pose()))
    reached = drivers.arm.move(over, speed=motions.transit_speed, control=control)
    for stroke in _strokes(config):
        if reached.fault is Fault.STOPPED:
            break
        reached = drivers.arm.move(over @ stroke, speed=config.speed, control=control)
    if reached.fault is not Fault.STOPPED:
        reached = _rise(drivers, motions, control)
    return replace(done, hand=drivers.hand(), fault=reached.fault or done.fault)


def _strokes(config: ShakeConfig) -> list[FloatArray]:
    """middle_from_tool (4, 4) of each way point; each kind of stroke begins and ends in the
    middle."""
    there_and_back = [
        (pose(translation=way), pose(translation=-np.array(way)))
        for way in ((config.along, 0.0, 0.0), (0.0, config.across, 0.0), (0.0, 0.0, config.up))
    ]
    turned = tuple(pose(rotation=rotation_about_z(side * config.turn)) for side in (1.0, -1.0))
    return [
        stroke for pair in (*there_and_back, turned) for stroke in (*pair * config.times, pose())
    ]


def push(drivers: Drivers, action: Push, config: MotionConfig, control: Control) -> Done:
    """Close the fingers, come down at the start, sweep, rise. The fingers stand across the push."""
    yaw = action.yaw + np.pi / 2
    drivers.gripper.close(control=control)
    down = _descend(drivers, top_down(action.start, yaw), config, control)
    if down.fault is not None:
        up = _rise(drivers, config, control)
        return Done(None, drivers.hand(), fault=up.fault or down.fault)
    direction = np.array([np.cos(action.yaw), np.sin(action.yaw), 0.0])
    swept = drivers.arm.move(
        top_down(action.start + action.length * direction, yaw),
        speed=config.push_speed,
        control=control,
    )
    length = float((swept.world_from_tool[:3, 3] - action.start) @ direction)
    up = _rise(drivers, config, control)
    return Done(
        Push(action.start, action.yaw, max(0.0, length)),
        drivers.hand(),
        fault=swept.fault or up.fault,
    )


def servo(drivers: Drivers, action: Move, config: MotionConfig, control: Control) -> Done:
    """One step from where the hand is, clipped to the workspace: sideways at the higher of both
    heights, so that the hand comes down from above."""
    before = drivers.arm.pose()
    workspace = drivers.arm.workspace
    position = np.clip(
        before[:3, 3] + action.translation, workspace.low, np.maximum(workspace.high, before[:3, 3])
    )
    target = top_down(position, yaw_of(before) + action.yaw)
    high = target.copy()
    high[2, 3] = max(before[2, 3], position[2])
    up = before.copy()
    up[2, 3] = high[2, 3]
    ways = [
        (up, config.approach_speed),
        (high, config.transit_speed),
        (target, config.approach_speed),
    ]
    here, reached = before, Reached(before)
    for waypoint, speed in ways:
        if np.allclose(waypoint, here, atol=1e-9):
            continue
        reached = drivers.arm.move(waypoint, speed=speed, control=control)
        if reached.fault is not None:
            break
        here = waypoint
    moved = Move(
        reached.world_from_tool[:3, 3] - before[:3, 3],
        wrapped(yaw_of(reached.world_from_tool) - yaw_of(before)),
    )
    return Done(moved, drivers.hand(), fault=reached.fault)


def release(drivers: Drivers, action: Release, config: MotionConfig, control: Control) -> Done:
    """Carry what is held over `where`, lower it, open."""
    where = np.array([*action.where[:2], action.where[2] + config.release_height])
    down = _descend(drivers, top_down(where, yaw_of(drivers.arm.pose())), config, control)
    if down.fault is Fault.STOPPED:
        return Done(None, drivers.hand(), fault=down.fault)
    drivers.gripper.open(drivers.gripper.spec.opening, control=control)
    up = _rise(drivers, config, control)
    return Done(Release(down.world_from_tool[:3, 3]), drivers.hand(), fault=up.fault)


def _descend(
    drivers: Drivers, target: FloatArray, config: MotionConfig, control: Control
) -> Reached:
    rise = _rise(drivers, config, control)
    if rise.fault is not None:
        return rise
    above = target.copy()
    above[2, 3] = max(_clear(drivers, config), target[2, 3])
    slow = target.copy()
    slow[2, 3] = min(above[2, 3], target[2, 3] + config.approach)
    for waypoint, speed in (
        (above, config.transit_speed),
        (slow, config.transit_speed),
        (target, config.approach_speed),
    ):
        reached = drivers.arm.move(waypoint, speed=speed, control=control)
        if reached.fault is not None:
            return reached
    return reached


def _rise(drivers: Drivers, config: MotionConfig, control: Control) -> Reached:
    up = drivers.arm.pose().copy()
    if up[2, 3] >= _clear(drivers, config):
        return Reached(up)
    up[2, 3] = _clear(drivers, config)
    return drivers.arm.move(up, speed=config.transit_speed, control=control)


def _clear(drivers: Drivers, config: MotionConfig) -> float:
    """World z from where on nothing stands."""
    return drivers.arm.workspace.surface + config.clear_height
