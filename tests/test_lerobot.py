"""The export, read by LeRobot itself, in an environment of its own: it asks for other versions than
selfgrasp does.

    python3.12 -m venv lerobot && lerobot/bin/pip install "lerobot[dataset]>=0.6"
    LEROBOT_PYTHON=lerobot/bin/python pytest tests/test_lerobot.py
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers_attempts import every_action, make_attempt, make_attempts, make_session

from selfgrasp.codec import encode_attempt
from selfgrasp.dataset import Dataset, DatasetWriter, export_lerobot

PYTHON = os.environ.get("LEROBOT_PYTHON")
READ = """
import json, sys
from lerobot.datasets.lerobot_dataset import LeRobotDataset
data = LeRobotDataset("local/attempts", root=sys.argv[1], depth_output_unit="m")
items = [data[i] for i in range(len(data))]
print(json.dumps({
    "episodes": data.num_episodes,
    "depth_keys": data.meta.depth_keys,
    "shapes": {k: list(v.shape) for k, v in items[0].items() if hasattr(v, "shape")},
    "depth": items[0]["observation.images.overhead_depth"][0].tolist(),
    "success": [bool(item["success"]) for item in items],
    "tasks": [item["task"] for item in items],
    "stats": {k: sorted(v) for k, v in data.meta.stats.items()},
}))
"""
SPLIT = """
import sys
from lerobot.datasets.dataset_tools import delete_episodes
from lerobot.datasets.lerobot_dataset import LeRobotDataset
data = LeRobotDataset("local/attempts", root=sys.argv[1])
delete_episodes(data, [1], output_dir=sys.argv[2], repo_id="local/fewer")
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("lerobot")
    rng = np.random.default_rng(0)
    several = make_attempt(rng, scene=9, actions=every_action(rng))
    with DatasetWriter.create_or_open(folder / "data", make_session()) as writer:
        made = [*make_attempts(4), (several, ())]
        writer.append([encode_attempt(attempt, labels) for attempt, labels in made])
    assert export_lerobot(folder / "data", folder / "out") == 5
    return folder / "data", folder / "out"


def test_every_episode_has_its_statistics_and_every_frame_its_depth_and_success(exported):
    data, out = exported
    info = json.loads((out / "meta/info.json").read_text())
    depth = info["features"]["observation.images.overhead_depth"]
    assert depth["info"] == {"is_depth_map": True, "depth_unit": "m"}
    assert depth["shape"] == [32, 32, 1]
    episodes = pq.read_table(out / "meta/episodes/chunk-000/file-000.parquet")
    kinds = ("min", "max", "mean", "std", "count", "q01", "q10", "q50", "q90", "q99")
    assert {f"stats/{name}/{kind}" for name in info["features"] for kind in kinds} <= set(
        episodes.column_names
    )
    frames = pq.read_table(out / "data/chunk-000/file-000.parquet")
    last = episodes.to_pylist()[4]
    actions = np.array(frames["action"].to_pylist())[last["dataset_from_index"] :]
    np.testing.assert_allclose(last["stats/action/mean"], actions.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(last["stats/action/max"], actions.max(axis=0), atol=1e-6)
    assert last["stats/action/count"] == [5]
    assert np.shape(last["stats/observation.images.overhead_depth/mean"]) == (1, 1, 1)
    # No return is 0, the rest is as far as the camera sees in these attempts.
    assert last["stats/observation.images.overhead_depth/min"] == [[[0.0]]]
    assert 0.5 < last["stats/observation.images.overhead_depth/max"][0][0][0] < 0.9
    with Dataset.open(data) as dataset:
        held = [attempt.outcome.grasped for attempt in dataset.attempts()]
    assert frames["success"].to_pylist() == [*held[:4], *[held[4]] * 5]


@pytest.mark.skipif(PYTHON is None, reason="LEROBOT_PYTHON names no Python with lerobot >= 0.6")
def test_lerobot_itself_reads_it_and_deletes_an_episode(exported, tmp_path):
    data, out = exported
    said = subprocess.run(
        [str(PYTHON), "-c", READ, str(out)], capture_output=True, text=True, check=True
    )
    read = json.loads(said.stdout.splitlines()[-1])
    assert (read["episodes"], read["depth_keys"]) == (5, ["observation.images.overhead_depth"])
    assert read["shapes"]["observation.images.overhead"] == [3, 32, 32]
    assert read["shapes"]["observation.images.overhead_depth"] == [1, 32, 32]
    with Dataset.open(data) as dataset:
        first = next(iter(dataset.attempts()))
    assert first.before is not None
    seen = first.before.view().depth
    assert seen is not None
    np.testing.assert_allclose(read["depth"], np.nan_to_num(seen, nan=0.0), atol=1e-6)
    assert len(read["success"]) == len(read["tasks"]) == 9
    subprocess.run([str(PYTHON), "-c", SPLIT, str(out), str(tmp_path / "fewer")], check=True)
    stats = json.loads((tmp_path / "fewer" / "meta/stats.json").read_text())
    assert {"action", "success", "observation.images.overhead_depth"} <= set(stats)
