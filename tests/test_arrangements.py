"""Arrangements from files: what a line means, what is refused and why, and the public format."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from selfgrasp.core import InputError
from selfgrasp.core.pose import pose, rotation_about_z
from selfgrasp.objects.arrangements import Standing, own_cases, read_cases, unsettled
from selfgrasp.objects.arrangements.case_file import block, read_case_file
from selfgrasp.objects.arrangements.checks import overlap
from selfgrasp.objects.arrangements.palette import PALETTE
from selfgrasp.objects.catalogue import block_objects
from selfgrasp.objects.decompose import _pulled_back
from selfgrasp.objects.triangles import Shell, nearest_on
from selfgrasp.protocols import clearing
from selfgrasp.rollout.policies import load_policy
from selfgrasp.workcell.cells.cases import settled_cases
from selfgrasp.workcell.cells.flat_table import FlatTableConfig
from selfgrasp.workcell.cells.simulated import make_cell
from selfgrasp.workcell.play import Task

PUBLIC = Path(__file__).resolve().parents[2] / "shared" / "data" / "vpg"
FACES = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
"""Of a box whose corners are numbered from 1, z fastest, as OBJ counts; from outside."""


def case(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.txt"
    path.write_text(text, encoding="utf-8")
    return path


def box_mesh(path: Path, *half: float) -> None:
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    lines = ["v " + " ".join(f"{s * h:.6f}" for s, h in zip(c, half, strict=True)) for c in corners]
    lines += ["f " + " ".join(map(str, face)) for face in FACES]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_own_cases_are_many_and_of_all_kinds():
    cases = own_cases()
    assert len(cases) >= 11
    assert all(3 <= len(one.standing) <= 6 for one in cases)
    families = {model.family for one in cases for model in one.models}
    assert {"toy_cylinder", "toy_arch", "toy_triangle", "toy_wedge"} <= families
    tops = {one.name: max(s.corners[:, 2].max() for s in one.standing) for one in cases}
    assert tops["11_towers"] == pytest.approx(0.1)
    assert tops["12_two_floors"] == pytest.approx(0.075)


def test_own_cases_are_tight():
    """Each block stands within 2 mm of another."""
    for one in own_cases():
        nearest = np.full((len(one.standing),) * 2, -np.inf)
        for a, b in combinations(range(len(one.standing)), 2):
            nearest[a, b] = nearest[b, a] = overlap(one.standing[a], one.standing[b])
        assert nearest.max(axis=1).min() > -0.002, one.name


def test_a_line_says_where_a_block_stands(tmp_path: Path):
    text = "turn 90  # all of it\n\nbrick red 0.1 0 0\nplank blue 0 0.05 0 side\n"
    first, second = read_case_file(case(tmp_path, text)).standing
    # Turned by 90 degrees, x becomes y, and y becomes -x.
    assert np.allclose(first.world_from_object[:3, 3], (0.0, 0.1, 0.025))
    assert np.allclose(np.ptp(first.corners, axis=0), (0.05, 0.1, 0.05))
    assert np.allclose(second.world_from_object[:3, 3], (-0.05, 0.0, 0.025))
    assert np.allclose(np.ptp(second.corners, axis=0), (0.025, 0.1, 0.05))
    assert np.array_equal(first.model.parts[0].color, PALETTE["red"])


def test_faces_and_places_are_those_of_the_box_about_a_block(tmp_path: Path):
    text = "triangle red 0.03 0 0\nbrick blue 0.15 0 0 up\nwedge green -0.1 0 0 side\n"
    triangle, brick, wedge = read_case_file(case(tmp_path, text)).standing
    assert np.allclose(triangle.corners.min(axis=0), (0.0, -0.03, 0.0))
    assert np.allclose(triangle.corners.max(axis=0), (0.06, 0.03, 0.025))
    assert np.allclose(np.ptp(brick.corners, axis=0), (0.05, 0.05, 0.1))
    # On its side, what was the wedge's top edge looks along +y.
    farthest = wedge.corners[:, 1].argmax()
    assert np.allclose(wedge.corners[farthest, :2], (-0.1, 0.024))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cube red 0 0", ("4 words", "SHAPE COLOR X Y DEGREES")),
        ("cube red 0 0 0 flat 0 1", ("8 words",)),
        ("ball red 0 0 0", ("shape 'ball'", "half_cylinder")),
        ("cube rot 0 0 0", ("color 'rot'", "orange")),
        ("cube red O 0 0", ("x 'O'", "a number")),
        ("cube red 0 nan 0", ("y 'nan'",)),
        ("cube red 0 0 361", ("degrees '361'", "360")),
        ("cube red 0 0 0 down", ("face 'down'", "flat, side, up")),
        ("cube red 0 0 0 flat high", ("height 'high'",)),
        ("cube red 0 0 0\nturn 20", ("turn below",)),
        ("turn 20 20", ("3 words", "turn DEGREES")),
    ],
)
def test_a_malformed_line_is_refused_with_its_place(tmp_path: Path, line: str, words: list[str]):
    path = case(tmp_path, f"# mine\n{line}\n")
    number = 2 + line.count("\n")
    with pytest.raises(InputError, match=f"mine.txt line {number}, ") as error:
        read_case_file(path)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cube red 0 0 0\ncube blue 0.045 0 0", "line 1 and mine.txt line 2, which overlap by 5.0"),
        ("cube red 0 0 0 0.02", "mine.txt line 1, which hangs in the air 20.0 mm"),
        ("cube red 0 0 0\ncube blue 0.06 0 0 flat 0.05", "line 2, which hangs in the air"),
        ("cube red 0.21 0 0", "mine.txt line 1, which reaches to 0.235 m"),
        ("cube red 0 0 0 flat -0.01", "mine.txt line 1, which reaches 10.0 mm into the table"),
        ("# nothing", "mine.txt without blocks"),
    ],
)
def test_what_cannot_stand_is_refused(tmp_path: Path, text: str, words: str):
    with pytest.raises(InputError, match=words):
        read_case_file(case(tmp_path, text))


def test_what_lies_on_another_stands(tmp_path: Path):
    text = "cube red 0 0 0\ncylinder blue 0.01 0 0 flat 0.05\ntile gray 0 0 0 0.1\n"
    assert len(read_case_file(case(tmp_path, text)).standing) == 3


def at(shape: str, x: float, y: float, degrees: float = 0.0) -> Standing:
    turn = rotation_about_z(np.radians(degrees))
    return Standing(block(shape, "red"), pose(rotation=turn, translation=(x, y, 0.0)))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (at("cube", 0, 0), at("cube", 0.048, 0.01), 0.002),
        (at("cube", 0, 0), at("cube", 0.052, 0.01), -0.002),
        (at("cube", 0, 0), at("cube", 0.06, 0, 45), 0.025 * (1 + np.sqrt(2)) - 0.06),
        (at("cylinder", 0, 0), at("cylinder", 0.03, 0.03), 0.045 - 0.03 * np.sqrt(2)),
        (at("cylinder", 0, 0), at("cube", 0.05, 0), -0.0025),
    ],
)
def test_overlaps_of_known_depth(a: Standing, b: Standing, expected: float):
    assert overlap(a, b) == pytest.approx(expected, abs=1e-4)
    assert overlap(b, a) == pytest.approx(overlap(a, b), abs=1e-12)


def test_a_gate_is_empty():
    """Between the legs of an arch there is room for what is lower than its gate."""
    arch, tile = block("arch", "red"), block("tile", "blue")
    foot = float(arch.bounds[0, 2])
    low = pose(translation=(0.0, 0.05, foot + 0.0125))
    under = pose(translation=(0.0, 0.0, foot + 0.0125))
    assert overlap(Standing(arch, np.eye(4)), Standing(tile, under)) == pytest.approx(0.0, abs=1e-9)
    assert overlap(Standing(arch, np.eye(4)), Standing(tile, low)) <= 0.0


def test_unsettled_says_who_moved_how_far():
    one = own_cases()[0]
    poses = [standing.world_from_object.copy() for standing in one.standing]
    poses[1][0, 3] += 0.002
    assert unsettled(one, poses) == ""
    poses[1][0, 3] += 0.002
    poses[2] = poses[2] @ pose(rotation=rotation_about_z(np.radians(5.0)))
    said = unsettled(one, poses)
    assert "object 2 (toy_brick-yellow) moved by 4.0 mm and turned by 0.0 degrees" in said
    assert "object 3 (toy_brick-blue) moved by 0.0 mm and turned by 5.0 degrees" in said
    with pytest.raises(InputError, match="2 poses"):
        unsettled(one, poses[:2])


def test_folders_without_cases_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="a folder of arrangements"):
        read_cases(tmp_path / "none")
    with pytest.raises(InputError, match=r"files ending in \.txt"):
        read_cases(tmp_path)


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """A folder of the public format: two boxes in the workspace and one that is parked."""
    box_mesh(tmp_path / "3.obj", 0.05, 0.025, 0.0125)
    lines = [
        "3.obj 1 0 0 -0.45 0.02 0.0135 0 0 0",
        "3.obj 0 0.2 1 -0.45 0.0595 0.0518 1.5707963 0 1.5707963",
        "4.obj 1 0 0 -0.9 0.1 0.026 0 0 0",
    ]
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "00.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_the_public_format(public: Path):
    (one,) = read_cases(public / "cases", public)
    assert one.name == "00"
    flat, upright = one.standing
    assert np.allclose(flat.world_from_object, pose(translation=(0.05, 0.02, 0.0125)), atol=1e-6)
    assert flat.model.mass == pytest.approx(400 * 0.1 * 0.05 * 0.025)
    assert flat.model.friction == 0.7
    assert flat.model.name == "3.obj-ff0000"
    # Rx(90) Rz(90): the mesh's x looks up, its y along -x, its z along -y.
    turn = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]])
    wanted = pose(rotation=turn, translation=(0.05, 0.0595, 0.05))
    assert np.allclose(upright.world_from_object, wanted, atol=1e-6)
    assert np.allclose(upright.model.parts[0].color, (0.0, 0.2, 1.0))
    assert upright.model.name == "3.obj-0033ff"


def test_what_nearly_stands_is_put_on_the_table(public: Path):
    path = public / "cases" / "00.txt"
    path.write_text("3.obj 1 0 0 -0.5 0 0.0115 0 0 0", encoding="utf-8")
    (one,) = read_cases(public / "cases", public)
    assert one.standing[0].corners[:, 2].min() == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("3.obj 1 0 0 -0.5 0 0.0135 0 0", "00.txt line 2, .*: 9 words; wanted: MESH.obj R G B"),
        ("3.obj 1 0 0 -0.5 0 0.0135 0 0 left", "00.txt line 2, .*'left'"),
        ("3.obj 1 0 2 -0.5 0 0.0135 0 0 0", "00.txt line 2, .*color"),
        ("3.obj 1 0 0 nan 0 0.0135 0 0 0", "00.txt line 2, .*not finite"),
        ("cube 1 0 0 -0.5 0 0.0135 0 0 0", "00.txt line 2, .*'cube'"),
        ("3.obj 1 0 0 -0.45 0.06 0.0135 0 0 0", r"line 1 \(3.obj\) and .*line 2 .*overlap by 10"),
        ("5.obj 1 0 0 -0.4 0.1 0.0135 0 0 0\n2.obj 1 0 0 -0.6 0 0 0 0 0", r"2.obj \(00.txt\), 5"),
    ],
)
def test_public_cases_are_refused_with_their_place(public: Path, line: str, words: str):
    path = public / "cases" / "00.txt"
    first = path.read_text(encoding="utf-8").splitlines()[0]
    path.write_text(f"{first}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_cases(public / "cases", public)


def test_a_public_case_without_an_object_in_the_workspace_is_refused(public: Path):
    path = public / "cases" / "00.txt"
    path.write_text("3.obj 1 0 0 -0.9 0 0.01 0 0 0", encoding="utf-8")
    with pytest.raises(InputError, match="without an object in the workspace"):
        read_cases(public / "cases", public)


def test_the_nearest_point_of_a_surface():
    shell = Shell(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    asked = np.array([[0.2, 0.2, 3.0], [-1.0, -1.0, 0.0], [0.5, -2.0, 1.0], [1.0, 1.0, 0.0]])
    wanted = [[0.2, 0.2, 0.0], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.5, 0.5, 0.0]]
    assert np.allclose(nearest_on(shell, asked), wanted)


def test_pieces_are_no_larger_than_their_surface():
    """coacd makes a surface with a hole a hundredth larger, before it cuts it."""
    outline = np.array([(-5, 0), (-2, 0), (-2, 3), (2, 3), (2, 0), (5, 0), (5, 5), (-5, 5)], float)
    front = np.array([(0, 1, 7), (1, 2, 7), (2, 6, 7), (2, 3, 6), (3, 4, 5), (3, 5, 6)])
    vertices = np.array([(*xy, z) for z in (5.0, 0.0) for xy in outline])
    sides = [(i, i + 8, (i + 1) % 8) for i in range(8)]
    sides += [((i + 1) % 8, i + 8, (i + 1) % 8 + 8) for i in range(8)]
    # The first triangle of the front is the hole.
    arch = Shell(vertices, np.array([*front[1:], *(front[:, ::-1] + 8), *sides]))
    swollen = [box_corners(-5, -2, 0, 5), box_corners(2, 5, 0, 5), box_corners(-2, 2, 3, 5)]
    middles = [piece.mean(axis=0) for piece in swollen]
    grown = tuple(m + 1.02 * (p - m) for p, m in zip(swollen, middles, strict=True))
    for piece, exact in zip(_pulled_back(grown, arch), swollen, strict=True):
        inner = np.isclose(np.abs(exact[:, 0]), 2.0) & (exact[:, 1] >= 3.0)
        # What lies in the middle of the solid, where pieces meet, stays.
        assert np.allclose(piece[~inner], exact[~inner], atol=1e-9)
        assert np.allclose(piece[inner], exact[inner], atol=0.1)


def box_corners(left: float, right: float, low: float, high: float) -> np.ndarray:
    return np.array([(x, y, z) for x in (left, right) for y in (low, high) for z in (0.0, 5.0)])


def test_other_peoples_cases_load_settle_and_run():
    if not (PUBLIC / "test-cases").is_dir():
        pytest.skip(f"no public test cases in {PUBLIC}")
    pytest.importorskip("coacd")
    first, second = read_cases(PUBLIC / "test-cases", PUBLIC / "blocks")
    assert [len(first.standing), len(second.standing)] == [4, 3]
    assert [model.name.split("-")[0] for model in first.models] == [
        "4.obj",
        "8.obj",
        "1.obj",
        "1.obj",
    ]
    # The arch, of 198 cm^3, is not closed; its parts neither swell nor fill its gate.
    assert first.models[2].volume == pytest.approx(198e-6, rel=0.02)
    assert np.allclose(np.sort(first.models[2].extents), (0.05, 0.05, 0.1), atol=5e-4)
    folders = {"cases": str(PUBLIC / "test-cases"), "meshes": str(PUBLIC / "blocks")}
    config = FlatTableConfig(picture_px=120, renderer="rays", noise="none", layout="cases")
    config = replace(config, **folders)
    names = [case.name for case in settled_cases("flat_table", config)]
    with make_cell("flat_table", block_objects(), config) as cell:
        policy = load_policy("heuristic")
        runs = [clearing.play("arrangements", cell.cell, policy, Task(k)) for k in range(2)]
    assert [run.arranged for run in runs] == names == [first.name, second.name]
    assert [len(run.placed) for run in runs] == [4, 3]
    assert all(run.attempts for run in runs)
    assert any(any(run.outcomes) for run in runs)
