"""Laws of the two renderers and the simulated camera; OpenGL runs where it works, cast rays
always."""

import os
import subprocess
import sys

import numpy as np
import pytest

from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import looking_at, pose
from selfgrasp.core.spec import CameraSpec
from selfgrasp.workcell.sim.camera import NoiseConfig, SimCamera, realistic
from selfgrasp.workcell.sim.gl import MEND, RendererKind, choose_renderer, try_context
from selfgrasp.workcell.sim.light import Lights
from selfgrasp.workcell.sim.noise import depth_edges, noisy_depth
from selfgrasp.workcell.sim.render import make_renderer

import mujoco  # isort: skip

SIZE = 120
INTRINSICS = np.array([[170.0, 0, 60], [0, 170.0, 60], [0, 0, 1]])
OVERHEAD = looking_at([0.0, 0.0, 0.6], [0, 0, 0])
TILTED = looking_at([0.1, -0.3, 0.5], [0, 0, 0])
GEOM = mujoco.mjtGeom
SHAPES = (
    GEOM.mjGEOM_BOX,
    GEOM.mjGEOM_CYLINDER,
    GEOM.mjGEOM_CAPSULE,
    GEOM.mjGEOM_ELLIPSOID,
    GEOM.mjGEOM_SPHERE,
    GEOM.mjGEOM_MESH,
)

KINDS = [
    "rays",
    pytest.param(
        "gl",
        marks=pytest.mark.skipif(
            choose_renderer().kind is not RendererKind.GL, reason=choose_renderer().reason
        ),
    ),
]
both = pytest.mark.parametrize("kind", KINDS)
needs_gl = pytest.mark.skipif(
    choose_renderer().kind is not RendererKind.GL, reason=choose_renderer().reason
)


def empty_spec():
    spec = mujoco.MjSpec()
    spec.stat.extent, spec.visual.map.znear, spec.visual.map.zfar = 1.0, 0.01, 5.0
    spec.visual.quality.offsamples = 0
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse, spec.visual.headlight.specular = (
        [0.2] * 3,
        [0.2] * 3,
        [0.0] * 3,
    )
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        dir=[-0.3, 0.4, -1.0],
        diffuse=[0.3] * 3,
        specular=[0.0] * 3,
        castshadow=False,
    )
    spec.worldbody.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        dir=[0.5, 0.1, -0.4],
        diffuse=[0.2, 0.1, 0.0],
        specular=[0.0] * 3,
        castshadow=False,
    )
    spec.worldbody.add_geom(
        name="table",
        type=GEOM.mjGEOM_BOX,
        size=[1, 1, 0.1],
        pos=[0, 0, -0.1],
        rgba=[0.8, 0.8, 0.75, 1],
    )
    return spec


def finish(spec):
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data


def random_scene(seed, bodies=8, geoms=4):
    rng = np.random.default_rng(seed)
    spec = empty_spec()
    tile = (255 * rng.random((6 * 16, 16, 3))).astype(np.uint8)
    spec.add_texture(
        name="noise", type=mujoco.mjtTexture.mjTEXTURE_CUBE, width=16, height=96, nchannel=3
    ).data = tile.tobytes()
    for uniform in (False, True):
        material = spec.add_material(
            name=f"noise{uniform}", specular=0.0, texuniform=uniform, emission=0.1
        )
        roles = material.textures
        roles[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "noise"
        material.textures = roles
    for mesh in range(4):
        spec.add_mesh(
            name=f"mesh{mesh}", uservert=(rng.normal(size=(16, 3)) * [0.02, 0.015, 0.025]).ravel()
        )
    for _ in range(bodies):
        body = spec.worldbody.add_body(
            pos=[*rng.uniform(-0.15, 0.15, 2), rng.uniform(0.0, 0.06)], quat=rng.normal(size=4)
        )
        for _ in range(geoms):
            shape = SHAPES[rng.integers(len(SHAPES))]
            options = {"material": f"noise{bool(rng.integers(2))}"} if rng.random() < 0.7 else {}
            if shape == GEOM.mjGEOM_MESH:
                options["meshname"] = f"mesh{rng.integers(4)}"
            body.add_geom(
                type=shape,
                size=rng.uniform(0.008, 0.03, 3),
                pos=rng.normal(size=3) * 0.02,
                quat=rng.normal(size=4),
                rgba=[*rng.uniform(0.1, 1, 3), 1],
                **options,
            )
    return finish(spec)


def picture(kind, model, data, camera=OVERHEAD, intrinsics=INTRINSICS, size=SIZE):
    renderer = make_renderer(model, size, size, kind)
    try:
        return renderer.render(data, camera, intrinsics, segmentation=True)
    finally:
        renderer.close()


def away_from_edges(*pictures):
    edges = np.zeros((SIZE, SIZE), dtype=bool)
    for p in pictures:
        grown = np.pad(depth_edges(p.depth), 1)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                edges |= grown[1 + dy : SIZE + 1 + dy, 1 + dx : SIZE + 1 + dx]
    return ~edges & np.all([np.isfinite(p.depth) for p in pictures], axis=0)


@needs_gl
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("camera", [OVERHEAD, TILTED], ids=["overhead", "tilted"])
def test_the_two_renderers_agree(seed, camera):
    model, data = random_scene(seed)
    gl, rays = picture("gl", model, data, camera), picture("rays", model, data, camera)
    inner = away_from_edges(gl, rays)
    assert inner.mean() > 0.5
    # OpenGL draws round shapes with flat faces, which shows where the surface turns away from the
    # camera.
    assert np.quantile(np.abs(gl.depth - rays.depth)[inner], 0.995) < 1e-3
    assert (gl.segmentation == rays.segmentation)[inner].mean() > 0.99
    objects = inner & (rays.segmentation > 0)
    difference = np.abs(gl.color.astype(int) - rays.color)
    assert difference[inner].mean() < 2.0
    assert difference[objects].mean() < 6.0


@both
def test_depth_of_a_plane_is_along_the_optical_axis(kind):
    model, data = finish(empty_spec())
    depth = picture(kind, model, data).depth
    np.testing.assert_allclose(depth, 0.6, atol=1e-5)


@both
def test_a_point_lands_where_the_intrinsics_say(kind):
    spec = empty_spec()
    spec.worldbody.add_geom(
        name="dot", type=GEOM.mjGEOM_SPHERE, size=[0.012, 0, 0], pos=[0.05, -0.03, 0.1]
    )
    model, data = finish(spec)
    intrinsics = np.array([[150.0, 0, 31.5], [0, 210.0, 77.0], [0, 0, 1]])
    seen = (
        np.argwhere(
            picture(kind, model, data, TILTED, intrinsics).segmentation == model.geom("dot").id
        )
        + 0.5
    )
    camera_from_world = np.linalg.inv(TILTED)
    at = camera_from_world[:3, :3] @ [0.05, -0.03, 0.1] + camera_from_world[:3, 3]
    expected = (intrinsics @ at / at[2])[1::-1]
    np.testing.assert_allclose(seen.mean(axis=0), expected, atol=0.4)


@both
def test_invisible_geoms_are_not_seen(kind):
    spec = empty_spec()
    spec.add_material(name="paint")
    box = {"type": GEOM.mjGEOM_BOX, "size": [0.1, 0.1, 0.1]}
    spec.worldbody.add_geom(rgba=[1, 0, 0, 0], **box)
    spec.worldbody.add_geom(rgba=[1, 0, 0, 0], material="paint", **box)
    spec.worldbody.add_geom(rgba=[1, 0, 0, 1], group=3, **box)
    model, data = finish(spec)
    groups = model.geom_group.copy()
    assert set(np.unique(picture(kind, model, data).segmentation)) == {model.geom("table").id}
    np.testing.assert_array_equal(model.geom_group, groups)


@both
def test_a_mesh_with_a_dent_is_seen_as_it_is(kind):
    corners = [[x, y, z] for z in (0.0, 0.1) for y in (-0.1, 0.1) for x in (-0.1, 0.1)]
    dent = [[4, 5, 8], [5, 7, 8], [7, 6, 8], [6, 4, 8]]
    sides = [
        [0, 2, 1],
        [1, 2, 3],
        [0, 1, 4],
        [1, 5, 4],
        [1, 3, 5],
        [3, 7, 5],
        [3, 2, 7],
        [2, 6, 7],
        [2, 0, 6],
        [0, 4, 6],
    ]
    spec = empty_spec()
    spec.add_mesh(
        name="dented", uservert=np.ravel([*corners, [0, 0, 0.02]]), userface=np.ravel(dent + sides)
    )
    spec.worldbody.add_geom(type=GEOM.mjGEOM_MESH, meshname="dented", rgba=[0.9, 0.3, 0.2, 1])
    p = picture(kind, *finish(spec))
    assert p.depth[SIZE // 2, SIZE // 2] == pytest.approx(0.58, abs=2e-3)
    assert p.depth[SIZE // 2, SIZE // 2 - 30] == pytest.approx(0.51, abs=5e-3)
    left, right = (
        p.color[SIZE // 2, SIZE // 2 - 12].astype(int),
        p.color[SIZE // 2, SIZE // 2 + 12].astype(int),
    )
    assert np.abs(left - right).max() > 10


@both
def test_nothing_is_nan_and_black(kind):
    spec = empty_spec()
    spec.geom("table").size = [0.05, 0.05, 0.1]
    model, data = finish(spec)
    p = picture(kind, model, data)
    nothing = p.segmentation == -1
    assert 0.5 < nothing.mean() < 1
    np.testing.assert_array_equal(np.isnan(p.depth), nothing)
    assert not p.color[nothing].any()


@both
def test_geoms_that_change_in_place_are_seen_without_a_new_renderer(kind):
    model, data = random_scene(0)
    renderer = make_renderer(model, SIZE, SIZE, kind)
    renderer.render(data, TILTED, INTRINSICS)
    # Far from the bounding volumes that the model was compiled with.
    geom = model.ngeom - 1
    model.geom_type[geom], model.geom_dataid[geom] = GEOM.mjGEOM_MESH, 2
    model.geom_matid[geom], model.geom_rgba[geom] = 0, (1, 1, 0, 1)
    model.geom_pos[geom], model.geom_sameframe[geom] = (
        (0.1, 0.1, 0.1),
        mujoco.mjtSameFrame.mjSAMEFRAME_NONE,
    )
    model.geom_size[geom - 1], model.geom_type[geom - 1] = (0.06, 0.01, 0.05), GEOM.mjGEOM_BOX
    model.geom_rbound[geom - 1 :] = 0.2
    model.geom_aabb[geom - 1 :] = (0, 0, 0, 0.1, 0.1, 0.1)
    mujoco.mj_forward(model, data)
    changed = renderer.render(data, TILTED, INTRINSICS, segmentation=True)
    renderer.close()
    fresh = picture(kind, model, data, TILTED)
    np.testing.assert_array_equal(changed.color, fresh.color)
    np.testing.assert_array_equal(changed.depth, fresh.depth)
    assert {geom, geom - 1} <= set(np.unique(changed.segmentation))


@both
def test_skew_is_refused(kind):
    model, data = finish(empty_spec())
    skewed = INTRINSICS + np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(InputError, match=r"\[\[fx, 0, cx\]"):
        picture(kind, model, data, intrinsics=skewed)


@both
def test_two_renderers_of_one_kind_do_not_disturb_each_other(kind):
    model, data = random_scene(3)
    first, second = make_renderer(model, SIZE, SIZE, kind), make_renderer(model, 40, 60, kind)
    before = first.render(data, TILTED, INTRINSICS)
    assert second.render(data, OVERHEAD, INTRINSICS).depth.shape == (40, 60)
    second.close()
    after = first.render(data, TILTED, INTRINSICS)
    first.close()
    np.testing.assert_array_equal(before.color, after.color)


def camera(noise, seed=0, scene=0):
    model, data = random_scene(scene)
    spec = CameraSpec(SIZE, SIZE, INTRINSICS, OVERHEAD)
    return SimCamera(
        spec,
        make_renderer(model, SIZE, SIZE, "rays"),
        lambda: data,
        noise,
        np.random.default_rng(seed),
    )


def test_a_camera_without_noise_shows_the_picture():
    clean = camera(NoiseConfig())
    view = clean.capture()
    np.testing.assert_array_equal(view.color, clean.picture().color)
    np.testing.assert_array_equal(view.depth, clean.picture().depth)


def test_the_same_generator_gives_the_same_noise():
    one, two, three = (camera(realistic(), seed).capture() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.color, two.color)
    np.testing.assert_array_equal(one.depth, two.depth)
    assert (one.color != three.color).mean() > 0.5


def test_depth_noise_grows_with_the_square_of_depth():
    rng = np.random.default_rng(0)
    for depth in (0.5, 1.0):
        flat = np.full((200, 200), depth, dtype=np.float32)
        noisy = noisy_depth(flat, NoiseConfig(depth_sigma_at_1m=0.004, hole_rate=0.1), rng)
        assert np.nanstd(noisy) == pytest.approx(0.004 * depth**2, rel=0.05)
        assert np.isnan(noisy).mean() == pytest.approx(0.1, abs=0.01)


def test_the_view_tells_the_nominal_pose_and_shows_the_true_one():
    moved = camera(NoiseConfig(calibration_translation=0.01, calibration_rotation=0.02))
    view = moved.capture()
    np.testing.assert_array_equal(view.world_from_camera, OVERHEAD)
    still = camera(NoiseConfig()).capture()
    assert np.nanmax(np.abs(view.depth - still.depth)) > 0.002
    first = moved.picture().depth
    np.testing.assert_array_equal(first, moved.picture().depth)
    moved.randomise(np.random.default_rng(9))
    assert np.nanmax(np.abs(moved.picture().depth - first)) > 1e-4


def test_a_monocular_camera_has_no_depth():
    model, data = finish(empty_spec())
    spec = CameraSpec(
        SIZE,
        SIZE,
        INTRINSICS,
        pose(rotation=OVERHEAD[:3, :3], translation=[0, 0, 1]),
        has_depth=False,
    )
    assert (
        SimCamera(
            spec,
            make_renderer(model, SIZE, SIZE, "rays"),
            lambda: data,
            realistic(),
            np.random.default_rng(0),
        )
        .capture()
        .depth
        is None
    )


@both
def test_changed_lights_are_seen(kind):
    model, data = random_scene(2)
    before = picture(kind, model, data)
    lights = Lights(model)
    lights.randomise(
        data, NoiseConfig(light_direction=0.5, light_strength=0.5), np.random.default_rng(4)
    )
    assert (picture(kind, model, data).color != before.color).mean() > 0.5
    lights.randomise(data, NoiseConfig(), np.random.default_rng(4))
    np.testing.assert_array_equal(picture(kind, model, data).color, before.color)


def test_noise_out_of_range_is_refused():
    with pytest.raises(InputError, match="hole_rate"):
        NoiseConfig(hole_rate=1.5)


def test_an_unknown_renderer_is_named():
    with pytest.raises(InputError, match="auto, gl, rays"):
        choose_renderer("vulkan")


def run(code, **environment):
    clean = {
        k: v
        for k, v in os.environ.items()
        if k not in ("MUJOCO_GL", "SELFGRASP_RENDERER", "DISPLAY")
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_libraries_rays_are_chosen_and_the_mend_is_told():
    code = """
import ctypes
load = ctypes.CDLL
def absent(name, *a, **k):
    if name in ("libEGL.so.1", "libGL.so.1"): raise OSError(name)
    return load(name, *a, **k)
ctypes.CDLL = absent
from selfgrasp.workcell.sim.gl import NoOpenGL, choose_renderer
choice = choose_renderer()
import mujoco
print(choice.kind, choice.fix)
try: choose_renderer("gl")
except NoOpenGL as error: print(error)
"""
    done = run(code, MUJOCO_GL="egl")
    assert done.returncode == 0, done.stderr
    assert f"rays {MEND}" in done.stdout
    assert "libEGL.so.1 and libGL.so.1 cannot be loaded" in done.stdout


def test_the_environment_overrides_auto_only():
    code = "from selfgrasp.workcell.sim.gl import choose_renderer; print(choose_renderer().kind)"
    assert run(code, SELFGRASP_RENDERER="rays").stdout.strip() == "rays"


SETTINGS = {
    "PYOPENGL_PLATFORM": "osmesa",
    "MUJOCO_EGL_DEVICE_ID": "99",
    "__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere",
}


@needs_gl
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_other_programs_leave_pictures_by_rays_and_are_named(name):
    code = """
from selfgrasp.workcell.sim.gl import NoOpenGL, choose_renderer, try_context
print(choose_renderer().kind, choose_renderer().kind)
try: choose_renderer("gl")
except NoOpenGL as error: print(error)
print(try_context().fix)
"""
    done = run(code, **{name: SETTINGS[name]})
    kinds, refused, fix = done.stdout.splitlines()
    assert kinds == "rays rays"
    assert f"{name}={SETTINGS[name]} is set" in refused
    assert fix == f"unset {name}"
    assert done.stderr.count("pictures come from cast rays") == 1, done.stderr


@needs_gl
@pytest.mark.parametrize("backend", ["osmesa", "glfw", "nonsense", "disable"])
def test_a_backend_that_was_set_for_another_program_does_not_count(backend):
    code = "from selfgrasp.workcell.sim.gl import choose_renderer; print(choose_renderer().kind)"
    assert run(code, MUJOCO_GL=backend).stdout.strip() == "gl"


@needs_gl
def test_the_doctor_makes_a_picture():
    choice = try_context()
    assert choice.kind is RendererKind.GL
    assert "made a picture" in choice.reason
