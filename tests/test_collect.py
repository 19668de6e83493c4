"""The collector: the same data from any number of workers, resumed after any end, and clear about
what it cannot do."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import selfgrasp.rollout.collect as collecting
from selfgrasp.cli import main
from selfgrasp.codec import encode_attempt
from selfgrasp.core import Attempt, Context, Grasp, InputError, Plan
from selfgrasp.core.pose import yaw_of
from selfgrasp.dataset import Dataset, DatasetWriter, check, writer
from selfgrasp.methods.baselines import RandomPolicy
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.objects.families import CATEGORIES
from selfgrasp.rollout.collect import collect, make_session
from selfgrasp.rollout.jobs import CollectJob
from selfgrasp.rollout.scene import PlayedScene, SceneTask, play_scene
from selfgrasp.workcell.cells.simulated import tabletop
from selfgrasp.workcell.cells.tabletop import TabletopConfig

OPTIONS = TabletopConfig(count=4, picture_px=32)
TWO_SCENES = CollectJob(
    out=Path(), attempts=12, attempts_per_scene=6, workers=1, seed=3, options=OPTIONS
)
LONG = (
    "--attempts",
    "90",
    "--attempts-per-scene",
    "4",
    "--workers",
    "1",
    "--seed",
    "5",
    "--options.count",
    "3",
    "--options.picture-px",
    "32",
)


def test_ctrl_c_while_the_workers_end_is_not_lost(tmp_path, monkeypatch):
    played = collecting.play_all

    def interrupted(*args, **options):
        try:
            yield from played(*args, **options)
        finally:
            raise KeyboardInterrupt

    monkeypatch.setattr(collecting, "play_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        collect(replace(TWO_SCENES, out=tmp_path / "data"))
    assert len(attempts(tmp_path / "data")) == TWO_SCENES.attempts


def contents(path: Path) -> dict[str, str]:
    """All of every attempt: numbers, and the content hashes of its pictures."""
    with Dataset.open(path) as dataset:
        return {a.id: repr(encode_attempt(a).plain) for a in dataset.attempts()}


def labels(path: Path) -> set[str]:
    with Dataset.open(path) as dataset:
        return {repr(label) for name in dataset.label_names for label in dataset.labels(name)}


def attempts(path: Path) -> list[Attempt]:
    with Dataset.open(path) as dataset:
        return sorted(dataset.attempts(), key=lambda a: a.id)


def command(out: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "selfgrasp.cli", "collect", "--out", str(out), *arguments]


def started(out: Path, *arguments: str) -> subprocess.Popen[str]:
    """A collector in a process group of its own."""
    return subprocess.Popen(
        command(out, *arguments),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_attempts(out: Path, at_least: int, process: subprocess.Popen[str]) -> int:
    """Wait until the dataset holds so many attempts, and say how many."""
    for _ in range(3000):
        with contextlib.suppress(InputError), Dataset.open(out) as dataset:
            if len(dataset) >= at_least:
                return len(dataset)
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    pytest.fail("no attempts in 30 s")


@pytest.fixture(scope="module")
def by_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("by_one") / "data"
    collect(replace(TWO_SCENES, out=out))
    return out


def test_two_workers_give_the_data_of_one(by_one: Path, tmp_path: Path) -> None:
    out = tmp_path / "by_two"
    done = collect(replace(TWO_SCENES, out=out, workers=2))
    assert (done.attempts, done.new) == (12, 12)
    assert contents(out) == contents(by_one)
    assert labels(out) == labels(by_one)


def test_a_resumed_collection_ends_where_an_uninterrupted_one_does(
    by_one: Path, tmp_path: Path
) -> None:
    """Stopped in the middle of a scene; what was there is not done again."""
    out = tmp_path / "resumed"
    assert collect(replace(TWO_SCENES, out=out, attempts=4)).new == 4
    assert collect(replace(TWO_SCENES, out=out, attempts=12)).new == 8
    assert contents(out) == contents(by_one)
    assert labels(out) == labels(by_one)
    again = collect(replace(TWO_SCENES, out=out, attempts=12))
    assert (again.attempts, again.new, again.wall_seconds < 1.0) == (12, 0, True)


def test_another_seed_is_another_collection_in_the_same_dataset(
    by_one: Path, tmp_path: Path
) -> None:
    out = tmp_path / "both"
    collect(replace(TWO_SCENES, out=out, attempts=3))
    collect(replace(TWO_SCENES, out=out, attempts=3, seed=4))
    with Dataset.open(out) as dataset:
        assert len(dataset) == 6
        assert len(dataset.sessions) == 2
    assert check(out).ok


def test_the_last_scene_is_the_one_with_the_greatest_number(
    by_one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also beyond the six digits that ids are padded to."""
    out = tmp_path / "many"
    session = make_session(replace(TWO_SCENES, out=out))
    with DatasetWriter.create_or_open(out, session) as dataset:
        for attempt, scene in zip(attempts(by_one), (5, 999_999, 1_000_000), strict=False):
            dataset.append(
                [
                    encode_attempt(
                        replace(
                            attempt,
                            id=f"{attempt.session}-{scene:06d}-000",
                            state_group="",
                            scene=scene,
                        )
                    )
                ]
            )
    begun: list[int] = []

    def noted(args: CollectJob, key: str, from_scene: int) -> list[SceneTask]:
        begun.append(from_scene)
        return []

    monkeypatch.setattr(collecting, "_tasks", noted)
    collect(replace(TWO_SCENES, out=out, attempts=4))
    assert begun == [1_000_000]


def test_a_killed_collector_leaves_a_sound_dataset_and_goes_on(tmp_path: Path) -> None:
    """Killed with its workers, with no chance to tidy up, at moments that chance chooses; then run
    to the end."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    rng = np.random.default_rng()
    had = 0
    for _ in range(2):
        process = started(killed, *LONG)
        had = wait_for_attempts(killed, had + 1, process)
        time.sleep(float(rng.uniform(0.0, 0.3)))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        report = check(killed)
        assert report.problems == ()
        assert report.attempts >= had
        had = report.attempts
    total = str(had + 4)
    arguments = ("--attempts", total, *LONG[2:])
    for out in (killed, whole):
        done = subprocess.run(command(out, *arguments), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert check(killed).ok
    assert contents(killed) == contents(whole)


def test_ctrl_c_ends_soon_with_130_and_a_sound_dataset(tmp_path: Path) -> None:
    """As in a terminal, where the signal reaches the workers too; meanwhile nobody else may
    write."""
    out = tmp_path / "interrupted"
    process = started(out, "--attempts", "100000", *LONG[2:])
    try:
        wait_for_attempts(out, 1, process)
        with pytest.raises(
            InputError,
            match=rf"which another process is writing.*exists: process {process.pid} ",
        ):
            collect(replace(TWO_SCENES, out=out))
        os.killpg(process.pid, signal.SIGINT)
        began = time.monotonic()
        _, said = process.communicate(timeout=90)
        # Two seconds on a machine that does nothing else.
        assert time.monotonic() - began < 6
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "the same command goes on where it stopped" in said
    assert "Traceback" not in said
    assert check(out).ok


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workers", "0"), r"given: --workers 0; wanted: at least 1"),
        (("--attempts", "0"), r"given: --attempts 0; wanted: at least 1"),
        (("--angles-per-point", "0"), r"given: --angles-per-point 0; wanted: at least 1"),
        (
            ("--policy", "wishful"),
            "given: policy 'wishful'; wanted: a known policy, or the path of a run's folder or "
            "of a checkpoint; exists: .*heuristic, igq, oracle, random",
        ),
        (
            ("--policy", "random+explore"),
            r"given: policy 'random\+explore'; wanted: random or random\+push",
        ),
        (("--cell", "moon"), "invalid choice 'moon' .* 'tabletop', 'kuka_bin'"),
        (
            ("--objects", "toys"),
            "given: objects 'toys'; wanted: a set of objects or a folder of meshes; exists: "
            "train, validation, test",
        ),
        (
            ("--options.noise", "loud"),
            "invalid choice 'loud' .* 'none', 'realistic', 'imprecise', 'very_imprecise', 'moved'",
        ),
        (
            ("--cell", "kuka_bin", "--options.arm", "arm.xml"),
            r"given: arm 'arm\.xml'; wanted: an MJCF or URDF file of an arm",
        ),
        (
            ("--options.mixture", "weird"),
            "invalid choice 'weird' .* 'any', 'apart', 'alike'",
        ),
        (("--options.count", "0"), "given: --options.count 0; wanted: at least 1"),
        (("--options.picture-px", "-5"), "given: --options.picture-px -5; wanted: at least 16"),
        (("--seed", "-1"), "given: --seed -1; wanted: at least 0"),
        (
            ("--options.renderer", "pencil"),
            "invalid choice 'pencil' .* 'auto', 'gl', 'rays'",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_argument_lists_what_exists_and_leaves_nothing(
    arguments: Sequence[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "data"
    try:
        code: object = main(["collect", "--out", str(out), *arguments])
    except SystemExit as end:
        code = end.code
    assert code == 2
    said = " ".join(capsys.readouterr().err.replace("│", " ").replace("(", " ").split())
    assert re.search(message, said), said
    assert not out.exists()


def test_what_fails_before_the_first_attempt_leaves_no_dataset_in_the_way(tmp_path: Path) -> None:
    wanted = replace(TWO_SCENES, out=tmp_path, attempts=1)
    with pytest.raises(InputError, match="variant"):
        collect(replace(wanted, policy="supersizing+typo", options=replace(OPTIONS, count=5)))
    assert collect(wanted).new == 1


def test_a_policy_that_never_tries_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "selfgrasp.rollout.collect.play_all",
        lambda *_, **__: (PlayedScene(scene, ()) for scene in itertools.count()),
    )
    with pytest.raises(InputError, match="found nothing to try in 100 scenes"):
        collect(replace(TWO_SCENES, out=tmp_path))


def test_workers_end_with_their_collector_however_it_ends(tmp_path: Path) -> None:
    for end, code in ((signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)):
        out = tmp_path / end.name
        process = started(out, "--attempts", "100000", *LONG[2:])
        try:
            wait_for_attempts(out, 1, process)
            os.kill(process.pid, end)
            # Pipes end when the last process that holds them does.
            process.communicate(timeout=60)
            assert process.returncode == code
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert check(out).ok


def test_another_cell_is_refused(by_one: Path) -> None:
    with pytest.raises(InputError, match="attempts of two cells do not mix"):
        collect(replace(TWO_SCENES, out=by_one, options=replace(OPTIONS, count=5)))


def test_several_angles_at_a_point_start_from_one_state(tmp_path: Path) -> None:
    out = tmp_path / "angles"
    collect(replace(TWO_SCENES, out=out, angles_per_point=3, attempts=12))
    groups = [
        list(group) for _, group in itertools.groupby(attempts(out), key=lambda a: a.state_group)
    ]
    assert [len(group) for group in groups] == [3, 3, 3, 3]
    for group in groups:
        assert group[0].state_group == group[0].id
        grasps = [a.steps[0].action for a in group]
        yaws = np.array([yaw_of(g.world_from_tool) for g in grasps if isinstance(g, Grasp)])
        apart = np.degrees(np.diff(yaws)) % 180.0
        np.testing.assert_allclose(apart, 60.0, atol=1e-4)
        for other in group[1:]:
            assert other.before is not None
            assert group[0].before is not None
            assert np.array_equal(other.before.view().color, group[0].before.view().color)
            assert np.array_equal(
                other.before.view().depth, group[0].before.view().depth, equal_nan=True
            )
            assert isinstance(other.steps[0].action, Grasp)
            np.testing.assert_allclose(
                other.steps[0].action.world_from_tool[:3, 3],
                grasps[0].world_from_tool[:3, 3],
                atol=1e-9,
            )


def test_attempts_are_asked_for_categories_of_the_objects(tmp_path: Path) -> None:
    """The same ones with any number of workers; those of the collection without goals stay as they
    are."""
    asking = replace(TWO_SCENES, goals="categories", objects="categories-validation")
    one, two = tmp_path / "one", tmp_path / "two"
    collect(replace(asking, out=one))
    collect(replace(asking, out=two, workers=2))
    assert contents(one) == contents(two)
    goals = [attempt.goal.category for attempt in attempts(one)]
    assert set(goals) <= set(CATEGORIES)
    assert len(set(goals)) > 3
    with Dataset.open(one) as dataset:
        (session,) = dataset.sessions.values()
    assert session.options["goals"] == "categories"
    assert "goals" not in make_session(replace(TWO_SCENES, out=one)).options


def test_what_a_policy_sees_nothing_of_is_no_data_and_the_next_goal_is_tried() -> None:
    class OnlySome(RandomPolicy):
        def plan(self, context: Context) -> Plan:
            wanted = context.goal.category in ("pen", "cup")
            return super().plan(context) if wanted else Plan.nothing("not that")

    task = SceneTask("s", 3, 0, 12, categories=("cup", "pen", "toy"))
    made = tabletop(train_objects(12), TabletopConfig(count=4, picture_px=32))
    with made.cell:
        played = play_scene(made, OnlySome(), task)
    goals = list(itertools.islice(task.goals(None), 12))
    tried = [index for index, goal in enumerate(goals) if goal.category != "toy"]
    assert 0 < len(tried) < 12
    assert [one.plain["index"] for one in played.attempts] == tried
    assert [one.plain["goal"]["category"] for one in played.attempts] == [
        goals[index].category for index in tried
    ]


def test_a_full_disk_stops_cleanly(
    by_one: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "full"
    appended = writer.DatasetWriter.append

    def filling(self: DatasetWriter, new: Sequence[object]) -> int:
        if len(self) >= 6:
            patch.setattr(writer, "MIN_FREE", 1 << 60)
        return appended(self, new)

    with monkeypatch.context() as patch:
        patch.setattr(writer.DatasetWriter, "append", filling)
        with pytest.raises(
            InputError,
            match=r"MB free on the disk of .*"
            r"make room and start again: it goes on after the 6 attempts",
        ):
            collect(replace(TWO_SCENES, out=out))
    assert check(out).ok
    assert len(attempts(out)) == 6
    assert collect(replace(TWO_SCENES, out=out)).new == 6
    assert contents(out) == contents(by_one)
