"""Arms of other people's files: what of a file is the arm, and where its hand goes."""

import re
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.arms import tried
from selfgrasp.core import InputError
from selfgrasp.core.arrays import FloatArray
from selfgrasp.core.pose import pose, top_down
from selfgrasp.objects.catalogue import train_objects
from selfgrasp.workcell.cells.config import GRIPPER
from selfgrasp.workcell.cells.kuka_bin import ARM_BASE, KukaBinConfig
from selfgrasp.workcell.cells.simulated import cell_files, kuka_bin
from selfgrasp.workcell.drivers import Control
from selfgrasp.workcell.sim.arm_files import ArmFile, read_arm
from selfgrasp.workcell.sim.build import PhysicsConfig, TableConfig, build_model
from selfgrasp.workcell.sim.kinematics import Kinematics
from selfgrasp.workcell.sim.world import Unstable

import mujoco  # isort: skip

LINKS = (
    ("shoulder", "0 0 0.163", "0 0 1", "0 0.138 0"),
    ("upper", "0 0.138 0", "0 1 0", "0 0 0.425"),
    ("fore", "0 -0.131 0.425", "0 1 0", "0 0 0.392"),
    ("wrist1", "0 0 0.392", "0 1 0", "0 0.127 0"),
    ("wrist2", "0 0.127 0", "0 0 1", "0 0 0.1"),
    ("wrist3", "0 0 0.1", "0 1 0", "0 0.07 0"),
)
TURNED = "0.70710678 -0.70710678 0 0"
SITE = f'<site name="attachment_site" pos="0 0.08 0" quat="{TURNED}"/>'
FINGER = (
    '<body name="{0}" pos="0 {1}0.02 0.05"><joint name="{0}_joint" type="slide" axis="0 1 0"'
    ' range="0 0.04"/><geom size="0.01" mass="0.05"/></body>'
)
HAND = (
    f'<body name="claw" pos="0 0.08 0" quat="{TURNED}"><geom size="0.03" mass="0.3"/>'
    f"{FINGER.format('a', '')}{FINGER.format('b', '-')}</body>"
)


def mjcf(
    tip: str = SITE, *, base: str = "", world: str = "", head: str = "", named: bool = True
) -> str:
    """A six-axis arm whose last body holds `tip`."""
    text = tip
    for number, (name, place, axis, end) in reversed(list(enumerate(LINKS, start=1))):
        body, joint = (f'name="{name}"', f'name="j{number}"') if named else ("", "")
        text = (
            f'<body {body} pos="{place}"><joint {joint} axis="{axis}" range="-6.28 6.28"/>'
            f'<geom type="capsule" fromto="0 0 0 {end}" size="0.04" mass="1"/>{text}</body>'
        )
    root = f'<body name="base">{base}<geom size="0.07" mass="4"/>{text}</body>'
    return f'<mujoco><compiler angle="radian"/>{head}<worldbody>{world}{root}</worldbody></mujoco>'


def urdf(mesh: str) -> str:
    """The same arm, with a mesh in its first moving link."""
    links, joints, parent = ['<link name="base"/>'], [], "base"
    for number, (name, place, axis, _) in enumerate(LINKS, start=1):
        shape = f'<visual><geometry><mesh filename="{mesh}"/></geometry></visual>'
        links.append(f'<link name="{name}">{shape if number == 1 else ""}</link>')
        joints.append(
            f'<joint name="j{number}" type="revolute"><parent link="{parent}"/>'
            f'<child link="{name}"/><origin xyz="{place}"/><axis xyz="{axis}"/>'
            '<limit lower="-6" upper="6" velocity="2.5" effort="99"/></joint>'
        )
        parent = name
    return f'<robot name="six">{"".join(links + joints)}</robot>'


def bare_urdf() -> str:
    """The same arm without the mesh."""
    return re.sub("<visual>.*?</visual>", "", urdf(""))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ArmFile]:
    """Reads a text as an arm's file."""

    def of(text: str, flange: str = "", name: str = "arm.xml") -> ArmFile:
        path = tmp_path / name
        path.write_text(text)
        return read_arm(path, pose(translation=ARM_BASE), flange)

    return of


def tool(arm: ArmFile) -> FloatArray:
    """(4, 4) of the tool with all joints at 0.3 rad."""
    return Kinematics(arm.model, GRIPPER).tool(np.full(len(arm.model.joints), 0.3))


@pytest.mark.parametrize(
    "turned", ['euler="-1.57079633 0 0"', 'axisangle="1 0 0 -1.57079633"', 'zaxis="0 1 0"']
)
def test_a_flange_is_where_mujoco_puts_it(read: Callable[..., ArmFile], turned: str) -> None:
    site = f'<site name="attachment_site" pos="0 0.08 0" {turned}/>'
    framed = f'<frame pos="0 0.08 0" quat="{TURNED}"><site name="attachment_site"/></frame>'
    expected = tool(read(mjcf()))[:3, [2, 3]]
    np.testing.assert_allclose(tool(read(mjcf(site)))[:3, [2, 3]], expected, atol=1e-6)
    np.testing.assert_allclose(tool(read(mjcf(framed)))[:3, [2, 3]], expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["slide", "free", "ball"])
def test_joints_that_are_not_the_arms_are_held(read: Callable[..., ArmFile], kind: str) -> None:
    base = f'<joint name="lift" type="{kind}"/>'.replace('<joint name="lift" type="free"/>', "")
    base = base or '<freejoint name="lift"/>'
    arm = read(mjcf(base=base))
    assert arm.chain.held == ("lift",)
    assert len(arm.model.joints) == 6
    assert arm.model.make().compile().njnt == 6
    np.testing.assert_allclose(tool(arm), tool(read(mjcf())), atol=1e-9)


def test_a_gripper_of_the_files_own_is_taken_off(read: Callable[..., ArmFile]) -> None:
    whole = read(mjcf(HAND))
    assert whole.chain.removed == ("claw",)
    assert whole.model.make().compile().njnt == 6
    # The wrist ends at 0.11 m, the palm begins at 0.08 m.
    np.testing.assert_allclose(tool(whole), tool(read(mjcf())), atol=1e-9)
    assert "left away: claw" in str(whole)
    far = HAND.replace('pos="0 0.08 0"', 'pos="0 0.3 0"')
    np.testing.assert_allclose(read(mjcf(far)).chain.body_from_flange[1, 3], 0.11, atol=1e-6)


def test_a_guessed_flange_points_along_the_last_hinge(read: Callable[..., ArmFile]) -> None:
    chain = read(mjcf("")).chain
    np.testing.assert_allclose(chain.body_from_flange[:3, 2], [0, 1, 0], atol=1e-9)


def test_a_scene_gives_its_arm_alone_and_parts_without_names_get_some(
    read: Callable[..., ArmFile],
) -> None:
    floor = '<light pos="0 0 3"/><geom type="plane" size="0 0 1"/><body><geom size="0.1"/></body>'
    bare = read(mjcf()).model.make().compile()
    scene = read(mjcf(world=floor)).model.make().compile()
    assert (scene.nbody, scene.ngeom, scene.nlight) == (bare.nbody, bare.ngeom, 0)
    unnamed = read(mjcf(named=False))
    assert len(unnamed.model.joints) == 6
    np.testing.assert_allclose(tool(unnamed), tool(read(mjcf())), atol=1e-9)


def test_a_root_stands_where_it_is_put_in_whatever_frames_the_file_has_it(
    read: Callable[..., ArmFile],
) -> None:
    framed = mjcf().replace('<body name="base">', '<frame pos="1 2 3"><body name="base">')
    framed = framed.replace("</worldbody>", "</frame></worldbody>")
    np.testing.assert_allclose(tool(read(framed)), tool(read(mjcf())), atol=1e-9)


def test_a_base_on_wheels_stands_still_with_its_turn(read: Callable[..., ArmFile]) -> None:
    wheels = (
        '<joint name="x" type="slide" axis="1 0 0"/><joint name="y" type="slide" axis="0 1 0"/>'
        '<joint name="yaw" axis="0 0 1"/>'
    )
    arm = read(mjcf(base=wheels))
    assert arm.chain.held == ("x", "y", "yaw")
    np.testing.assert_allclose(tool(arm), tool(read(mjcf())), atol=1e-9)


def test_an_arm_that_moves_in_other_joints_than_it_says_is_refused(
    read: Callable[..., ArmFile],
) -> None:
    arm = read(mjcf()).model

    def lifted() -> mujoco.MjSpec:
        spec = arm.make()
        spec.body("base").add_joint(name="lift", type=mujoco.mjtJoint.mjJNT_SLIDE)
        return spec

    with pytest.raises(InputError, match="other joints than arm_j1"):
        build_model([], 0, TableConfig(), GRIPPER, PhysicsConfig(), replace(arm, make=lifted))


def test_fingers_of_four_hinges_each_are_a_hand(read: Callable[..., ArmFile]) -> None:
    joint = '<body pos="0 0 0.02"><joint axis="1 0 0"/><geom size="0.01" mass="0.1"/>{}</body>'
    finger = joint.format(joint.format(joint.format(joint.format(""))))
    palm = (
        f'<body name="palm" pos="0 0.08 0" quat="{TURNED}"><geom size="0.02" mass="1"/>{{}}</body>'
    )
    chain = read(mjcf(palm.format(finger * 3))).chain
    assert (chain.carrier, chain.removed, len(chain.hinges)) == ("wrist3", ("palm",), 6)


def test_a_jaw_whose_joint_has_no_telling_name_is_no_part_of_the_arm(
    read: Callable[..., ArmFile],
) -> None:
    jaw = '<body name="moving_jaw" pos="0 0.08 0"><joint axis="1 0 0"/><geom size="0.02"/></body>'
    chain = read(mjcf(jaw)).chain
    assert (chain.carrier, chain.removed) == ("wrist3", ("moving_jaw",))


def test_a_flange_with_the_approach_along_x_is_turned_and_one_across_is_said(
    read: Callable[..., ArmFile],
) -> None:
    body = '<body name="{}" pos="0 0.08 0" xyaxes="0 1 0 -1 0 0"><geom size="0.01"/></body>'
    turned = read(mjcf(body.format("flange")))
    np.testing.assert_allclose(tool(turned)[:3, 2:], tool(read(mjcf()))[:3, 2:], atol=1e-6)
    assert "+x is the approach" in str(turned)
    assert "90 degrees off the last hinge" in str(read(mjcf(body.format("plate")), "plate"))


def test_an_arm_of_very_many_hinges_is_refused(read: Callable[..., ArmFile]) -> None:
    links = '<body pos="0 0 0.01"><joint/><geom size="0.01"/>' * 101
    with pytest.raises(InputError, match="101 hinges; wanted: at most 100"):
        read(f"<mujoco><worldbody>{links}{'</body>' * 101}</worldbody></mujoco>")


def test_a_name_like_a_flanges_in_the_base_is_none(read: Callable[..., ArmFile]) -> None:
    assert read(mjcf("", base='<site name="base_flange"/>')).chain.carrier == "wrist3"


@pytest.mark.parametrize("name", ["ur5e/tool0", "left-tool0", "Tool0", "ur5e:tool0"])
def test_a_usual_flange_may_have_a_prefix(read: Callable[..., ArmFile], name: str) -> None:
    body = f'<body name="{name}" pos="0 0.08 0" quat="{TURNED}"/>'
    arm = read(mjcf(body))
    np.testing.assert_allclose(tool(arm), tool(read(mjcf())), atol=1e-6)
    assert arm.chain.flange == f"body {name}"


def test_a_flange_that_points_into_the_arm_is_said(read: Callable[..., ArmFile]) -> None:
    assert "180 degrees off" in str(read(mjcf(SITE.replace(" -0.7", " 0.7"))))


@pytest.mark.parametrize("flange", ["tool0", "plate"])
def test_a_gripper_beside_the_flanges_body_is_taken_off(
    read: Callable[..., ArmFile], flange: str
) -> None:
    body = f'<body name="{flange}" pos="0 0.08 0" quat="{TURNED}"/>'
    chain = read(mjcf(body + HAND), flange).chain
    assert (chain.carrier, chain.removed, chain.held) == (flange, ("claw",), ())


def test_a_last_link_that_has_its_mass_from_the_gripper_is_one(
    read: Callable[..., ArmFile],
) -> None:
    last = '<geom type="capsule" fromto="0 0 0 0 0.07 0" size="0.04" mass="1"/>'
    assert read(mjcf(HAND).replace(last, "")).chain.removed == ("claw",)


def test_a_table_under_the_arm_that_would_lie_over_the_bin_is_refused(
    read: Callable[..., ArmFile],
) -> None:
    desk = '<geom type="box" size="0.8 0.8 0.02" mass="9"/>'
    with pytest.raises(InputError, match="base, which does not move, would lie over the bin"):
        read(mjcf(base=desk))
    assert read(mjcf(base=desk.replace("0.8 0.8", "0.3 0.3"))).chain.root == "base"


def test_hinges_that_follow_others_are_refused(read: Callable[..., ArmFile]) -> None:
    tied = '<equality><joint joint1="j3" joint2="j2"/></equality></mujoco>'
    with pytest.raises(InputError, match="j3, that follows j2"):
        read(mjcf().replace("</mujoco>", tied))
    mimic = bare_urdf().replace('<axis xyz="0 1 0"/>', '<axis xyz="0 1 0"/><mimic joint="j1"/>', 1)
    with pytest.raises(InputError, match="j2, that follows j1"):
        read(mimic, name="six.urdf")


@pytest.mark.parametrize(
    ("given", "instead", "message"),
    [
        ('lower="-6" upper="6"', 'lower="0" upper="0"', "revolute joint of the arm, j1, without"),
        ('lower="-6" upper="6"', "", "revolute joint of the arm, j1, without"),
        ("0 -0.131 0.425", "0 -0.131 ${l}", r"joint j3 has xyz='0 -0.131 \$\{l\}'"),
        ("0 -0.131 0.425", "0 nan 0.425", "joint j3 has xyz='0 nan 0.425'"),
    ],
)
def test_numbers_of_a_urdf_that_mujoco_would_pass_over_are_refused(
    read: Callable[..., ArmFile], given: str, instead: str, message: str
) -> None:
    text = bare_urdf()
    assert given in text
    with pytest.raises(InputError, match=message):
        read(text.replace(given, instead, 1), name="six.urdf")


def test_speeds_are_those_of_the_joints_and_not_of_what_else_names_them(
    read: Callable[..., ArmFile],
) -> None:
    driven = '<transmission><joint name="j1"/></transmission></robot>'
    arm = read(bare_urdf().replace("</robot>", driven), name="six.urdf")
    np.testing.assert_allclose(arm.model.speeds, 2.5)


def test_shapes_in_millimetres_and_chains_without_end_are_refused(
    read: Callable[..., ArmFile],
) -> None:
    with pytest.raises(InputError, match=r"a shape of .* m; .*millimetres"):
        read(mjcf().replace("0 0.07 0", "0 70 0"))
    links = "".join(f'<link name="l{i}"/>' for i in range(602))
    joints = "".join(
        f'<joint name="j{i}" type="fixed"><parent link="l{i}"/><child link="l{i + 1}"/></joint>'
        for i in range(601)
    )
    with pytest.raises(InputError, match="of 601 joints"):
        read(f'<robot name="long">{links}{joints}</robot>', name="long.urdf")


@pytest.mark.parametrize(
    "joint",
    ['stiffness="200" springref="1"', 'actuatorgravcomp="true" actuatorfrcrange="-15 15"'],
)
def test_a_joint_that_is_sprung_or_carries_itself_goes_where_it_is_told(
    tmp_path: Path, joint: str
) -> None:
    path = tmp_path / "arm.xml"
    path.write_text(mjcf().replace("<joint", f"<joint {joint}"))
    config = KukaBinConfig(count=1, picture_px=48, arm=str(path), noise="none")
    with kuka_bin(train_objects(4), config) as cell:
        cell.reset(0)
        arm = cell.cell.drivers.arm
        for place in ((0.05, -0.08, 0.28), (0.05, -0.08, 0.1)):
            reached = arm.move(top_down(place, 0.7), speed=1.0, control=Control())
            assert reached.fault is None
            np.testing.assert_allclose(arm.pose()[:3, 3], place, atol=0.004)


def test_the_flange_can_be_named_and_an_unknown_one_lists_what_there_is(
    read: Callable[..., ArmFile],
) -> None:
    assert read(mjcf(), "wrist2").chain.carrier == "wrist2"
    with pytest.raises(InputError, match=r"'wrist9'.*exists: attachment_site, base, shoulder"):
        read(mjcf(), "wrist9")
    first = mjcf("").split("<worldbody>")[1].split("</worldbody>")[0]
    second = first.replace('name="', 'name="other_')
    with pytest.raises(InputError, match=r"several arms.*base, other_base.*--options\.flange"):
        read(f"<mujoco><worldbody>{first}{second}</worldbody></mujoco>")


def test_a_change_in_a_file_or_in_its_mesh_is_another_arm(read: Callable[..., ArmFile]) -> None:
    first = read(mjcf()).content
    assert read(mjcf()).content == first
    assert read(mjcf().replace("0 0 0.425", "0 0 0.5")).content != first
    assert read(mjcf(), "wrist2").content != first
    assert read(mjcf().replace('name="j2"', 'name="j2" damping="5"')).content != first
    painted = mjcf(head='<asset><material name="m" rgba="1 0 0 1"/></asset>')
    painted = painted.replace('type="capsule"', 'type="capsule" material="m"')
    assert read(painted).content != read(painted.replace("1 0 0 1", "0 1 0 1")).content
    for touch in ('condim="6"', 'solref="0.1 1"', 'margin="0.01"', 'priority="1"'):
        assert read(mjcf().replace("<geom ", f"<geom {touch} ")).content != first
    assert read("<!-- of a comment -->" + mjcf()).content == first


def test_a_mesh_that_was_changed_at_once_is_another_arm(
    read: Callable[..., ArmFile], tmp_path: Path
) -> None:
    trimesh = pytest.importorskip("trimesh")
    head = '<asset><mesh name="a" file="a.stl"/></asset>'
    text = mjcf(SITE + '<geom type="mesh" mesh="a"/>', head=head)
    found = set()
    for side in (0.05, 0.1):
        trimesh.creation.box((side, side, side)).export(tmp_path / "a.stl")
        found.add(read(text).content)
    assert len(found) == 2


def test_meshes_of_a_package_are_found_and_others_named(
    read: Callable[..., ArmFile], tmp_path: Path
) -> None:
    trimesh = pytest.importorskip("trimesh")
    (tmp_path / "six_description" / "meshes").mkdir(parents=True)
    mesh = tmp_path / "six_description" / "meshes" / "part.stl"
    trimesh.creation.box((0.08, 0.08, 0.1)).export(mesh)
    arm = read(urdf("package://six_description/meshes/part.stl"), name="six.urdf")
    assert arm.model.make().compile().nmesh == 1
    np.testing.assert_allclose(arm.model.speeds, 2.5)
    assert read(urdf(f"file://{mesh}"), name="six.urdf").content == arm.content
    with pytest.raises(InputError, match=r"lost\.stl"):
        read(urdf("package://six_description/meshes/lost.stl"), name="six.urdf")
    dae = read(urdf("package://six_description/meshes/part.dae"), name="six.urdf")
    assert dae.left_away == ("part.dae",)
    with pytest.raises(InputError, match="xacro"):
        read(
            '<robot xmlns:xacro="http://www.ros.org/wiki/xacro"><xacro:macro name="a"/></robot>',
            name="six.urdf",
        )


def test_mesh_files_of_one_name_in_two_folders_are_two_and_all_objects_of_an_obj_are_seen(
    read: Callable[..., ArmFile], tmp_path: Path
) -> None:
    trimesh = pytest.importorskip("trimesh")
    for folder, size in (("small", 0.1), ("large", 0.3)):
        (tmp_path / folder).mkdir()
        trimesh.creation.box((size, size, size)).export(tmp_path / folder / "part.stl")
    text = urdf("small/part.stl")
    large = '<visual><geometry><mesh filename="large/part.stl"/></geometry></visual>'
    text = text.replace('<link name="upper">', f'<link name="upper">{large}')
    model = read(text, name="six.urdf").model.make().compile()
    sizes = [np.ptp(_vertices(model, geom)) for geom in range(model.ngeom)]
    np.testing.assert_allclose(sizes, [0.1, 0.3], atol=1e-6)
    box = trimesh.creation.box((0.1, 0.1, 0.1))
    lines = [f"v {x} {y} {z}" for x, y, z in box.vertices]
    lines += [f"v {x} {y} {z + 0.5}" for x, y, z in box.vertices]
    for name, first in (("one", 1), ("two", 9)):
        lines += [f" o\t{name}", *(f"f {a} {b} {c}" for a, b, c in box.faces + first)]
    (tmp_path / "two.obj").write_text("\n".join(lines))
    model = read(urdf("two.obj"), name="six.urdf").model.make().compile()
    assert model.mesh_facenum.tolist() == [24]


def test_numbers_that_are_none_and_limits_that_are_no_range_are_refused(
    read: Callable[..., ArmFile],
) -> None:
    with pytest.raises(InputError, match="jnt axis is no number"):
        read(mjcf().replace('axis="0 0 1"', 'axis="nan 0 1"'))
    text = bare_urdf()
    text = text.replace('lower="-6" upper="6"', 'lower="6" upper="-6"', 1)
    with pytest.raises(InputError, match="joint j1 goes from 6 to -6"):
        read(text, name="six.urdf")


def _vertices(model: mujoco.MjModel, geom: int) -> FloatArray:
    mesh = model.mesh(model.geom_dataid[geom])
    start, count = int(mesh.vertadr[0]), int(mesh.vertnum[0])
    vertices: FloatArray = model.mesh_vert[start : start + count]
    return vertices


def test_the_elbow_of_a_posture_over_the_bin_is_above_its_walls(
    read: Callable[..., ArmFile],
) -> None:
    arm = read(mjcf().replace("6.28", "4")).model
    model = arm.make().compile()
    data = mujoco.MjData(model)
    data.qpos[:] = Kinematics(arm, GRIPPER).home
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    assert data.xanchor[2:, 2].min() > 0.2


def test_a_files_defaults_are_not_the_hands_and_its_shapes_do_not_collide(tmp_path: Path) -> None:
    path = tmp_path / "arm.xml"
    default = '<default><geom contype="0" conaffinity="0"/></default>'
    path.write_text(mjcf(head=default))
    config = KukaBinConfig(count=2, picture_px=48, arm=str(path), noise="none")
    assert list(cell_files("kuka_bin", config)) == ["arm"]
    with kuka_bin(train_objects(4), config) as cell:
        model = cell.world.model
        for side in ("right", "left"):
            assert model.geom(f"finger_{side}").contype[0]
        assert not any(model.geom_contype[model.geom_bodyid == model.body("arm_fore").id])


def test_what_is_no_number_as_control_is_a_fault_and_leaves_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with kuka_bin(train_objects(4), KukaBinConfig(count=1, picture_px=48)) as cell:
        cell.reset(0)
        cell.world.data.ctrl[0] = np.nan
        with pytest.raises(Unstable):
            cell.world.step(2)
    assert not list(tmp_path.iterdir())


ROBOSUITE = ("Panda", "UR5e", "IIWA", "Sawyer", "Kinova3", "Jaco", "XArm7", "Baxter")


@pytest.mark.skipif(find_spec("robosuite") is None, reason="robosuite is not installed")
@pytest.mark.parametrize("name", ROBOSUITE)
def test_public_arms_reach_into_the_bin(name: str) -> None:
    found = find_spec("robosuite")
    assert found is not None
    assert found.origin is not None
    file = Path(found.origin).parent / "models/assets/robots" / name.lower() / "robot.xml"
    config = KukaBinConfig(count=1, picture_px=48, arm=str(file), noise="none")
    with kuka_bin(train_objects(4), config) as cell:
        assert tried(cell) >= 14
