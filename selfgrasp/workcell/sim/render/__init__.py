"""Pictures of a compiled model, from OpenGL or from cast rays, behind one protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfgrasp.workcell.sim.gl import RendererKind, choose_renderer
from selfgrasp.workcell.sim.render.picture import FILM, SENSOR, Picture, Quality, Renderer
from selfgrasp.workcell.sim.render.rays import RayRenderer

if TYPE_CHECKING:
    import mujoco

__all__ = ["FILM", "SENSOR", "Picture", "Quality", "Renderer", "make_renderer"]


def make_renderer(
    model: mujoco.MjModel,
    height: int,
    width: int,
    wanted: str = "auto",
    quality: Quality = SENSOR,
) -> Renderer:
    """A renderer of `model`, of the kind that `choose_renderer(wanted)` chooses; the quality is
    OpenGL's.

    Raises:
        InputError: no such renderer.
        NoOpenGL: "gl" where OpenGL cannot work.
    """
    if choose_renderer(wanted).kind is RendererKind.GL:
        from selfgrasp.workcell.sim.render.opengl import GlRenderer

        return GlRenderer(model, height, width, quality)

    return RayRenderer(model, height, width)
