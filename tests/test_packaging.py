"""The wheel: built from the tree, installed elsewhere, used from there."""

import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MACHINE_PATH = re.compile(
    r"(?<![\w.])/(?:home|root|work|Users)/\w|/opt/(?:wheels|pypi)|[a-z]+://[\w.-]*(?:internal|artifactory|nexus)"
)


def tracked() -> list[Path]:
    """The files of the checkout, without what git ignores."""
    found = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        pytest.skip("not a git checkout")
    return [path for name in found.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def clean_environment() -> dict[str, str]:
    """This process's environment without Python's and pip's settings, and no index to install
    from."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))
    }
    return kept | {
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def ask(*command: str | Path, cwd: Path) -> str:
    """The output of a command; its errors are the test's message."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    ask(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a new environment with the wheel in it; its dependencies are this
    environment's."""
    place = tmp_path_factory.mktemp("elsewhere")
    ask(sys.executable, "-m", "venv", "--without-pip", place / "venv", cwd=place)
    python = place / "venv" / "bin" / "python"
    site = Path(
        ask(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place
        ).strip()
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    ask(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        wheel,
        cwd=place,
    )
    return python.parent


@pytest.mark.xdist_group("wheel")
def test_the_wheel_holds_every_file_of_the_package(wheel: Path):
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if path.is_relative_to(ROOT / "selfgrasp")
    }
    assert "selfgrasp/py.typed" in inside
    assert not {name for name in wanted if not name.endswith(".py")} - inside
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in inside)
    assert any(name.endswith("licenses/LICENSE") for name in inside)


@pytest.mark.xdist_group("wheel")
def test_the_wheel_works_elsewhere(elsewhere: Path, tmp_path: Path):
    home = Path(
        ask(
            elsewhere / "python", "-c", "import selfgrasp; print(selfgrasp.__file__)", cwd=tmp_path
        ).strip()
    )
    assert home.is_relative_to(elsewhere.parent)
    assert "usage: selfgrasp VERB" in ask(elsewhere / "selfgrasp", "--help", cwd=tmp_path)
    assert "usage: selfgrasp check" in ask(elsewhere / "selfgrasp", "check", "--help", cwd=tmp_path)
    planned = ask(elsewhere / "selfgrasp", "plan", "--sample", "--top", "1", cwd=tmp_path)
    assert '"rank": 1' in planned
    assert (
        ask(
            elsewhere / "python",
            "-c",
            "import selfgrasp.core as c; print(c.ANYTHING.is_anything)",
            cwd=tmp_path,
        )
        == "True\n"
    )


def test_every_direct_dependency_is_pinned_and_justified():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0].lower() for line in asked}
    pinned = {
        line.split("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert not names - pinned
    why = (ROOT / "docs/decisions/0001-dependencies.md").read_text(encoding="utf-8").lower()
    assert not {name for name in names if f"`{name}`" not in why}


def test_no_path_of_a_machine_is_written_down():
    found = []
    for path in tracked():
        if path == Path(__file__) or path.suffix in {
            ".safetensors",
            ".png",
            ".webp",
            ".jpg",
            ".npz",
        }:
            continue
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1
        ):
            if MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found
