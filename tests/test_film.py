"""Films: recording changes nothing, and what jumps in the simulation moves in the film."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.film import marked
from selfgrasp.core import Attempt, Grasp, Plan, Push
from selfgrasp.core.pose import top_down
from selfgrasp.methods.baselines import HeuristicPolicy, RandomServoPolicy
from selfgrasp.objects.catalogue import block_objects, train_objects
from selfgrasp.vision.project import project_world
from selfgrasp.workcell.attempt import Ids
from selfgrasp.workcell.cells.flat_table import FlatTableConfig
from selfgrasp.workcell.cells.kuka_bin import KukaBinConfig
from selfgrasp.workcell.cells.simulated import SimCell, kuka_bin, make_cell, tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig
from selfgrasp.workcell.play import Stop, Task, play
from selfgrasp.workcell.sim.film import Spectator, over_the_table
from selfgrasp.workcell.sim.recording import Recording

SCENE = 5


def played(made: SimCell, *, tries: int = 3) -> list[Attempt]:
    """Attempts on one scene; what is lifted is set aside."""
    cell = made.cell
    before, attempts = cell.reset(SCENE), []
    for index in range(tries):
        attempt = cell.attempt(HeuristicPolicy(), Ids("film", SCENE, index), before=before).attempt
        attempts.append(attempt)
        if attempt.outcome.grasped:
            cell.set_aside()
        before = None if attempt.outcome.grasped else attempt.after
    return attempts


@pytest.fixture(scope="module")
def made() -> Iterator[SimCell]:
    simulated = tabletop(train_objects(12), TabletopConfig(count=4, picture_px=64))
    with simulated.cell:
        yield simulated


@pytest.fixture(scope="module")
def recording(made: SimCell) -> Recording:
    recorded = Recording(made)
    made.cell.watchers = (recorded,)
    attempts = played(made)
    recorded.stop()
    made.cell.watchers = ()
    assert any(attempt.outcome.grasped for attempt in attempts)
    assert [held for _, held in recorded.outcomes] == [a.outcome.grasped for a in attempts]
    again = played(made)
    assert [a.outcome for a in again] == [a.outcome for a in attempts], "recording changed it"
    return recorded


@pytest.fixture(scope="module")
def spectator(made: SimCell, recording: Recording) -> Iterator[Spectator]:
    camera = Spectator(
        made.world, recording, over_the_table(), width=160, height=120, samples=2, wanted="rays"
    )
    yield camera
    camera.close()


def test_the_hand_never_jumps_in_a_film(recording: Recording, spectator: Spectator) -> None:
    places = np.array([m.joints[:3] for m in recording.moments])
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() > 0.3, (
        "nothing jumps to begin with"
    )
    times = np.arange(0.0, recording.moments[-1].time, 0.02)
    path = np.array([spectator.hand(float(time)) for time in times])
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() < 0.04


def test_what_is_held_stays_where_it_is_in_the_hand(
    recording: Recording, made: SimCell, spectator: Spectator
) -> None:
    carried = 0
    for before, after in zip(recording.moments, recording.moments[1:], strict=False):
        moved = [at for at in made.world.slot_joints if (before.joints != after.joints)[at]]
        if not after.jumped or not moved:
            continue
        carried += 1
        for share in (0.0, 0.3, 0.7):
            time = before.time + share * (after.time - before.time)
            joints, _ = spectator.joints(time)
            for at in moved:
                in_hand = joints[at : at + 3] - spectator.hand(time)
                assert np.allclose(
                    in_hand, before.joints[at : at + 3] - before.joints[:3], atol=1e-6
                )
    assert carried


def test_what_was_set_aside_is_not_drawn(recording: Recording, spectator: Spectator) -> None:
    first, last = recording.moments[0], recording.moments[-1]
    assert last.lying < first.lying
    pictures = [spectator.picture(0.0), spectator.picture(last.time)]
    assert (np.abs(pictures[0].astype(int) - pictures[1]).max(axis=2) > 40).mean() > 0.005
    assert (spectator.picture(0.0) == pictures[0]).all(), "the same moment, another picture"


def test_a_film_begins_and_ends_with_the_attempt_that_is_wanted(made: SimCell) -> None:
    recorded = Recording(made, first=1, attempts=1)
    made.cell.watchers = (recorded,)
    played(made)
    made.cell.watchers = ()
    assert len(recorded.decisions) == len(recorded.outcomes) == 1
    assert made.world.after_step is None
    assert made.world.after_jump is None


def test_the_hand_of_an_arm_never_jumps_either() -> None:
    simulated = kuka_bin(train_objects(6), KukaBinConfig(count=2, picture_px=48, noise="none"))
    with simulated.cell as cell:
        recorded = Recording(simulated)
        cell.watchers = (recorded,)
        cell.reset(SCENE)
        cell.attempt(RandomServoPolicy(), Ids("film", SCENE, 0))
        recorded.stop()
        camera = Spectator(
            simulated.world, recorded, over_the_table(), width=64, height=48, wanted="rays"
        )
        jumps = [k for k, m in enumerate(recorded.moments) if m.jumped]
        assert jumps
        times = np.arange(0.0, recorded.moments[-1].time, 0.02)
        path = np.array([camera.hand(float(time)) for time in times])
        assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() < 0.08
        camera.close()


def test_the_chosen_grasp_is_drawn_where_the_hand_will_be(
    recording: Recording, spectator: Spectator
) -> None:
    grasp = recording.decisions[0].plan.action
    assert isinstance(grasp, Grasp)
    picture = spectator.picture(0.0)
    drawn = marked(spectator, picture, grasp, 1.0)
    changed = np.argwhere((drawn != picture).any(axis=2))[:, ::-1] + 0.5
    middle = project_world(grasp.world_from_tool[:3, 3], spectator.view(picture))
    assert np.linalg.norm(changed - middle, axis=1).min() < 12
    assert np.linalg.norm(changed.mean(axis=0) - middle) < 20
    assert (marked(spectator, picture, grasp, 0.0) == picture).all()
    reached = min(
        np.linalg.norm(spectator.hand(float(t)) - grasp.world_from_tool[:3, 3])
        for t in np.arange(0.0, recording.outcomes[0][0], 0.02)
    )
    assert reached < 0.02


class PushThenGrasp:
    """Pushes, and names a grasp beside it, so that it is measured what the push is worth."""

    name, privileged = "push", ()

    def plan(self, _) -> Plan:
        push = Push(np.array([-0.08, 0.0, 0.008]), 0.0, 0.1)
        grasp = Grasp(top_down((0.0, 0.0, 0.02), 0.0), 0.06)
        return Plan((grasp, push), np.array([0.1, 0.9]))


def test_what_was_tried_and_undone_is_not_in_a_film() -> None:
    options = FlatTableConfig(picture_px=48, noise="none", renderer="rays", layout="cases")
    simulated = make_cell("flat_table", block_objects()[:1], options)
    films = []
    with simulated.cell as cell:
        for measure in (True, False):
            recorded = Recording(simulated)
            cell.watchers = (recorded,)
            episode = play(cell, PushThenGrasp(), Task(0), stop=Stop(most=2), measure=measure)
            recorded.stop()
            assert [one.worth is not None for one in episode.attempts] == [measure] * 2
            films.append(recorded)
    with_tries, without = films
    # A tried grasp takes more than a second. What is put back is awake, and so settles otherwise.
    assert with_tries.moments[-1].time == pytest.approx(without.moments[-1].time, abs=0.2)
    times = [[one.time for one in recorded.decisions] for recorded in films]
    assert times[0] == pytest.approx(times[1], abs=0.1)
    ends = [recorded.moments[-1].joints[:4] for recorded in films]
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-3)
