"""Decides, before MuJoCo is imported, whether pictures come from OpenGL or from cast rays. Import
this module before `mujoco`.

MuJoCo reads `MUJOCO_GL` while it is imported: "egl" without the libraries makes the import itself
fail, and unset without a display makes the first OpenGL context fail. So the libraries are looked
for here, and the variable is set to what will work.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from selfgrasp.core.errors import SelfgraspError, first_line, unknown_name

RENDERER_VARIABLE = "SELFGRASP_RENDERER"
"""Environment variable that replaces "auto": "gl" or "rays"."""
GL_LIBRARIES = ("libEGL.so.1", "libGL.so.1")
"""What headless OpenGL needs on Linux. Both: with the first alone MuJoCo fails once a context is
made."""
MEND = "apt-get install libegl1 libgl1"
WORKER_GL_THREADS = 0
"""`LP_NUM_THREADS` for one of several processes that render: 0 = the software rasteriser stays on
the caller's thread.

At 160 px 0, 1 and 2 threads took the same time, in one process and in two at once (0.6 to 1.1 ms a
picture): vertices are what costs.
"""

_NO_PICTURE = "OpenGL makes no picture"
_OF_DRIVERS = (
    "MUJOCO_EGL_DEVICE_ID",
    "__EGL_VENDOR_LIBRARY_FILENAMES",
    "EGL_PLATFORM",
    "GALLIUM_DRIVER",
    "MESA_LOADER_DRIVER_OVERRIDE",
)
_PROBE = """
import sys
from selfgrasp.workcell.sim.gl import NoOpenGL, choose_renderer
try:
    choose_renderer("gl")
except NoOpenGL as error:
    sys.exit(error.reason)
from selfgrasp.workcell.sim.render.opengl import probe
probe()
"""


class RendererKind(StrEnum):
    """Where pictures come from."""

    GL = "gl"
    RAYS = "rays"


class NoOpenGL(SelfgraspError):
    """OpenGL was asked for and cannot work here; the message says why and how to fix it.

    Args:
        choice: what is chosen instead, with the reason.
    """

    def __init__(self, choice: RendererChoice) -> None:
        self.reason = choice.reason
        super().__init__(
            f"given: renderer 'gl'; wanted: a machine where OpenGL works; {choice.reason}"
            + (f"; how to fix it: {choice.fix}" if choice.fix else "")
        )


@dataclass(frozen=True)
class RendererChoice:
    """What was chosen and why.

    Attributes:
        kind: the renderer.
        reason: one line for `selfgrasp doctor` and for the run's record.
        fix: the command that would make OpenGL work, empty where it does or where none is known.
    """

    kind: RendererKind
    reason: str
    fix: str = ""


def choose_renderer(wanted: str = "auto") -> RendererChoice:
    """Which renderer to use. The first call that may mean OpenGL makes a context to see whether it
    works, and imports MuJoCo for it; where it does not, "auto" says so once on standard error.

    Args:
        wanted: "auto" (OpenGL where it works, else rays), "gl" or "rays". "auto" is replaced by
            `SELFGRASP_RENDERER` where that is set.

    Raises:
        InputError: another name.
        NoOpenGL: "gl" where OpenGL cannot work.
    """
    if wanted == "auto":
        wanted = os.environ.get(RENDERER_VARIABLE, "") or "auto"
    if wanted not in ("auto", *RendererKind):
        raise unknown_name("renderer", wanted, ("auto", *RendererKind))
    if wanted == RendererKind.RAYS:
        return RendererChoice(RendererKind.RAYS, "rays were asked for")
    found = _available()
    if found.kind is RendererKind.GL:
        found = _tried()
    if wanted == RendererKind.GL and found.kind is RendererKind.RAYS:
        raise NoOpenGL(found)
    if found.kind is RendererKind.RAYS and _available().kind is RendererKind.GL:
        _say_once(found)
    return found


def try_context(timeout: float = 30.0) -> RendererChoice:
    """Make a context and a picture in a process of its own, since a broken driver may kill it. For
    `selfgrasp doctor`; takes about a second.

    Args:
        timeout: s.
    """
    found = _available()
    if found.kind is RendererKind.RAYS:
        return found
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return RendererChoice(
            RendererKind.RAYS, f"{_NO_PICTURE} within {timeout:g} s: {_why('no answer')}", _fix()
        )
    if done.returncode == 0:
        return RendererChoice(
            RendererKind.GL, f"{found.reason}; made a picture with {done.stdout.strip()}"
        )
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    why = lines[-1] if lines[-1].startswith(_NO_PICTURE) else f"{_NO_PICTURE}: {_why(lines[-1])}"
    return RendererChoice(RendererKind.RAYS, why, _fix())


def limit_threads(count: int = WORKER_GL_THREADS) -> None:
    """Let Mesa's software rasteriser use `count` threads beside the caller's. Call before the first
    context; a user's own setting stays.

    Small pictures gain nothing from its default, a thread a core in every process; see
    `WORKER_GL_THREADS`.
    """
    os.environ.setdefault("LP_NUM_THREADS", str(count))


def missing_libraries() -> tuple[str, ...]:
    """Those of `GL_LIBRARIES` that cannot be loaded."""
    return tuple(name for name in GL_LIBRARIES if not _loads(name))


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


@cache
def _available() -> RendererChoice:
    """What works, found once: the answer cannot change after MuJoCo is imported."""
    if not sys.platform.startswith("linux"):
        return RendererChoice(RendererKind.GL, f"OpenGL of {sys.platform}")
    missing = missing_libraries()
    if not missing:
        if _set_backend("egl"):
            return RendererChoice(
                RendererKind.GL, f"OpenGL through EGL ({' and '.join(GL_LIBRARIES)} load)"
            )
        return RendererChoice(
            RendererKind.RAYS,
            "mujoco was imported before selfgrasp.workcell.sim.gl and without MUJOCO_GL=egl",
        )
    absent = " and ".join(missing) + " cannot be loaded"
    if os.environ.get("DISPLAY") and _loads("libGL.so.1") and _set_backend("glfw"):
        return RendererChoice(RendererKind.GL, f"OpenGL through the display ({absent})")
    _set_backend("disable")
    return RendererChoice(RendererKind.RAYS, absent, MEND)


@cache
def _tried() -> RendererChoice:
    """What `_available` found, or rays where no context can be made in this process."""
    found = _available()
    try:
        # Named by the backend where that is known: `mujoco.gl_context` keeps its errors back.
        backend = os.environ.get("MUJOCO_GL", "").lower()
        module = "mujoco.egl" if backend == "egl" else "mujoco.gl_context"
        mujoco = importlib.import_module("mujoco")
        context = importlib.import_module(module).GLContext(16, 16)
        context.make_current()
        model = mujoco.MjModel.from_xml_string("<mujoco/>")
        mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100).free()
        context.free()
    except Exception as error:  # whatever a driver or another program's settings bring up
        return RendererChoice(
            RendererKind.RAYS, f"{_NO_PICTURE}: {_why(first_line(error))}", _fix()
        )
    return found


def _strange_settings() -> tuple[str, ...]:
    """Variables of the environment that take OpenGL from MuJoCo; other programs want them."""
    platform = os.environ.get("PYOPENGL_PLATFORM", "")
    names = ["PYOPENGL_PLATFORM"] if platform not in ("", "egl") else []
    return (*names, *(name for name in _OF_DRIVERS if os.environ.get(name)))


def _why(error: str) -> str:
    names = _strange_settings()
    if not names:
        return error
    settings = f"{' and '.join(f'{name}={os.environ[name]}' for name in names)} is set"
    # MuJoCo's own words for this one have a hole where the value belongs.
    return settings if "PYOPENGL_PLATFORM" in names else f"{settings} ({error})"


def _fix() -> str:
    names = _strange_settings()
    return f"unset {' '.join(names)}" if names else ""


_said = False


def _say_once(choice: RendererChoice) -> None:
    """That pictures come from rays instead, by the first process alone."""
    global _said
    if not _said and multiprocessing.parent_process() is None:
        fix = f" (for OpenGL: {choice.fix})" if choice.fix else ""
        print(f"pictures come from cast rays: {choice.reason}{fix}", file=sys.stderr)
    _said = True


def _set_backend(name: str) -> bool:
    """Set `MUJOCO_GL`; False if MuJoCo has already been imported with something else."""
    if "mujoco" in sys.modules:
        return os.environ.get("MUJOCO_GL", "").lower() == name
    os.environ["MUJOCO_GL"] = name
    return True


_available()
