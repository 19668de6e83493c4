"""Decides, before MuJoCo is imported, whether pictures come from OpenGL or from cast rays. Import
this module before `mujoco`.

MuJoCo reads `MUJOCO_GL` while it is imported: "egl" without the libraries makes the import itself
fail, and unset without a display makes the first OpenGL context fail. So the libraries are looked
for here, and the variable is set to what will work.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from selfgrasp.core.errors import SelfgraspError, unknown_name

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

_PROBE = "from selfgrasp.workcell.sim.render.opengl import probe; probe()"


class RendererKind(StrEnum):
    """Where pictures come from."""

    GL = "gl"
    RAYS = "rays"


class NoOpenGL(SelfgraspError):
    """OpenGL was asked for and cannot work here; the message says why and how to fix it."""


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
    """Which renderer to use; sets `MUJOCO_GL` if MuJoCo has not been imported yet.

    Args:
        wanted: "auto" (OpenGL where it can work, else rays), "gl" or "rays". "auto" is replaced by
            `SELFGRASP_RENDERER` where that is set.

    Raises:
        InputError: another name.
        NoOpenGL: "gl" where OpenGL cannot work.
    """
    if wanted == "auto":
        wanted = os.environ.get(RENDERER_VARIABLE, "") or "auto"
    if wanted not in ("auto", *RendererKind):
        raise unknown_name("renderer", wanted, ("auto", *RendererKind))
    found = _available()
    if wanted == RendererKind.RAYS:
        return RendererChoice(RendererKind.RAYS, "rays were asked for")
    if wanted == RendererKind.GL and found.kind is RendererKind.RAYS:
        raise NoOpenGL(
            f"given: renderer 'gl'; wanted: a machine where OpenGL works; {found.reason}"
            + (f"; how to fix it: {found.fix}" if found.fix else "")
        )
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
            RendererKind.RAYS, f"OpenGL made no picture within {timeout:g} s", MEND
        )
    if done.returncode == 0:
        return RendererChoice(
            RendererKind.GL, f"{found.reason}; made a picture with {done.stdout.strip()}"
        )
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return RendererChoice(
        RendererKind.RAYS,
        f"the OpenGL libraries exist but no picture could be made: {lines[-1]}",
        MEND,
    )


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


def _set_backend(name: str) -> bool:
    """Set `MUJOCO_GL`; False if MuJoCo has already been imported with something else."""
    if "mujoco" in sys.modules:
        return os.environ.get("MUJOCO_GL", "").lower() == name
    os.environ["MUJOCO_GL"] = name
    return True


_available()
