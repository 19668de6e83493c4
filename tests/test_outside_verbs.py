"""A package from outside brings a method with weights, a baseline and a protocol. All verbs take
them by name; nothing in selfgrasp is edited."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from selfgrasp.contracts.scenes import box_context

SOURCES = Path(__file__).parent / "outside_package"
SAVE_WEIGHTS = """
from pathlib import Path
from selfgrasp.learn import save
from selfgrasp.methods import registry
folder = Path(registry.methods()["poke"].replace(".", "/"))
save(folder / "poke.safetensors", registry.build("poke"))
"""


class Outside:
    """A folder in which the package is installed, and a shell beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder, folder / "site"
        shutil.copytree(SOURCES / "outside_grasp", self.site / "outside_grasp")
        info = self.site / "outside_grasp-1.0.dist-info"
        info.mkdir()
        shutil.copy(SOURCES / "entry_points.txt", info)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-grasp\nVersion: 1.0\n")

    def python(self, *arguments: str, cwd: Path | None = None) -> str:
        """What a Python with the package says."""
        path = os.pathsep.join([str(self.site), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd or self.folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def selfgrasp(self, *arguments: str) -> str:
        """What the command says."""
        return self.python("-m", "selfgrasp", *arguments)


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    made = Outside(tmp_path_factory.mktemp("outside"))
    made.python("-c", SAVE_WEIGHTS, cwd=made.site)
    return made


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_its_method_trains_and_is_measured(outside: Outside) -> None:
    outside.selfgrasp("collect", "--policy", "middle", "--attempts", "40", "--out", "data")
    trained = outside.selfgrasp("train", "poke:small", "--data", "data", "--out", "runs/poke")
    assert "best.safetensors" in trained
    policies = ("poke", "runs/poke+explore")
    said = outside.selfgrasp(
        "bench", "pair", "--policy", *policies, "--trials", "1", "--workers", "1", "--out", "bench"
    )
    rows = json.loads((outside.folder / "bench/report.json").read_text())["rows"]
    found = {row["policy"]: row["privileged"] for row in rows}
    label = "truth.grasped"
    assert found == {"poke": [label], "poke (poke+explore)": [label]}
    assert "poke (poke+explore)" in said


def test_its_shipped_weights_plan_for_a_picture(outside: Outside, tmp_path: Path) -> None:
    view = box_context().observation.view()
    assert view.depth is not None
    cv2.imwrite(str(tmp_path / "color.png"), view.color[..., ::-1])
    np.save(tmp_path / "depth.npy", view.depth)
    np.save(tmp_path / "pose.npy", view.world_from_camera)
    (tmp_path / "intrinsics.json").write_text(json.dumps({"K": view.intrinsics.tolist()}))
    files = ("color.png", "depth.npy", "intrinsics.json", "pose.npy")
    options = ("--color", "--depth", "--intrinsics", "--pose")
    given = [word for o, f in zip(options, files, strict=True) for word in (o, str(tmp_path / f))]
    found = json.loads(outside.selfgrasp("plan", "--policy", "poke", *given))
    assert found["policy"] == "poke"
    assert found["grasps"]


def test_its_names_stand_beside_the_others(outside: Outside) -> None:
    assert "arrangements,pair}" in outside.selfgrasp("bench", "--help").replace(" ", "")
    listed = outside.python(
        "-c",
        "from selfgrasp.rollout.policies import baselines, resolve\n"
        "from selfgrasp.methods.registry import shipped\n"
        "from selfgrasp.papers.published import figures_of\n"
        "from selfgrasp.papers.registry import demos, reproductions\n"
        "print(*baselines(), *shipped(), resolve('poke').identity)\n"
        "print(figures_of('poke')[0].value, 'poke' in demos(), 'poke' in reproductions())",
    )
    assert listed.endswith("0.66 True True\n")
    assert {"middle", "oracle", "poke", "supersizing"} <= set(listed.split())
    assert "poke@" in listed
