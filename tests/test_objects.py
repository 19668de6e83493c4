"""Laws and hand-worked numbers of object models, families, patterns and named sets."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations

import cv2
import numpy as np
import pytest

from selfgrasp.core.errors import InputError
from selfgrasp.core.pose import pose, rotation_about_z
from selfgrasp.objects import build, catalogue
from selfgrasp.objects.catalogue import (
    CATEGORY_INSTANCES,
    HELD_OUT_FAMILIES,
    Novelty,
    catalogue_hash,
    object_named,
    objects_by_name,
    train_objects,
    validation_objects,
)
from selfgrasp.objects.families import CATEGORIES, FAMILIES, Ranges, make_object
from selfgrasp.objects.hulls import convex_hull, polyhedron_mass
from selfgrasp.objects.model import MAX_PARTS, ObjectModel, Part, Shape, assemble
from selfgrasp.objects.named import objects_named
from selfgrasp.objects.patterns import PATTERNS, pattern_image
from selfgrasp.objects.sets import CATEGORY_SETS, SETS, canonical, set_label
from selfgrasp.objects.solids import area, contains, mass_properties, reach
from selfgrasp.objects.vessel_sets import VESSEL_SETS

GREY = (0.5, 0.5, 0.5)
ORIGIN = (0.0, 0.0, 0.0)


def model(*parts: Part, mass: float = 0.12, name: str = "thing-0000") -> ObjectModel:
    return ObjectModel(name, "thing", None, assemble(parts), mass, 0.7)


def cube_corners(side: float) -> np.ndarray:
    return np.array([[x, y, z] for x in (0.0, side) for y in (0.0, side) for z in (0.0, side)])


def test_inertia_of_a_box_is_m_over_12_times_the_sums_of_squares() -> None:
    brick = model(build.box((0.06, 0.04, 0.02), (0.3, 0.0, 0.0), GREY))
    assert np.allclose(
        brick.inertia, 0.01 * np.array([0.06**2 + 0.04**2, 0.06**2 + 0.02**2, 0.04**2 + 0.02**2])
    )
    assert np.allclose(brick.extents, (0.06, 0.04, 0.02))
    assert brick.bounding_radius == pytest.approx(math.sqrt(0.03**2 + 0.02**2 + 0.01**2))


def test_two_halves_weigh_and_turn_like_the_whole() -> None:
    whole = model(build.box((0.08, 0.04, 0.02), ORIGIN, GREY))
    halves = model(*(build.box((0.04, 0.04, 0.02), (x, 0.0, 0.0), GREY) for x in (0.02, 0.06)))
    assert np.allclose(whole.inertia, halves.inertia)
    assert np.allclose(whole.bounds, halves.bounds)


def test_a_hull_of_a_box_is_that_box() -> None:
    hull = convex_hull(np.concatenate([cube_corners(2.0), [[1.0, 1.0, 1.0]]]))
    mass = polyhedron_mass(hull.vertices, hull.faces)
    assert (len(hull.vertices), len(hull.faces)) == (8, 12)
    assert mass.volume == pytest.approx(8.0)
    assert np.allclose(mass.center, 1.0)
    assert np.allclose(mass.inertia, np.eye(3) * 8.0 * 4.0 / 6.0)


def test_a_simplified_hull_keeps_nearly_all_of_a_ball() -> None:
    points = np.random.default_rng(0).normal(size=(2000, 3))
    hull = convex_hull(points / np.linalg.norm(points, axis=1, keepdims=True))
    assert len(hull.vertices) <= 64
    assert 0.85 < polyhedron_mass(hull.vertices, hull.faces).volume / (4.0 / 3.0 * math.pi) < 1.0


def test_the_center_of_mass_follows_the_heavier_part() -> None:
    light = build.box((0.02, 0.02, 0.02), ORIGIN, GREY)
    heavy = build.box((0.02, 0.02, 0.02), (0.04, 0.0, 0.0), GREY, density=3.0)
    parts = assemble([light, heavy])
    assert np.allclose([part.object_from_part[0, 3] for part in parts], (-0.03, 0.01))


def test_a_capsule_without_its_tube_is_a_ball_and_a_round_ellipsoid_too() -> None:
    ball = mass_properties(build.ellipsoid((0.02, 0.02, 0.02), ORIGIN, GREY))
    for part in (
        build.capsule(0.02, 0.04 + 1e-9, ORIGIN, GREY),
        build.ellipsoid((0.02, 0.02, 0.02 + 1e-9), ORIGIN, GREY),
    ):
        assert np.allclose(
            mass_properties(part).inertia / ball.volume,
            ball.inertia / ball.volume,
            rtol=1e-6,
            atol=1e-12,
        )
        assert area(part) == pytest.approx(4.0 * math.pi * 0.02**2, rel=1e-6)


PARTS = {
    Shape.BOX: build.box(
        (0.02, 0.04, 0.06), (0.01, 0.0, 0.0), GREY, rotation=rotation_about_z(0.5)
    ),
    Shape.SPHERE: build.ellipsoid((0.02, 0.02, 0.02), (0.0, 0.01, 0.0), GREY),
    Shape.ELLIPSOID: build.ellipsoid((0.01, 0.02, 0.03), (0.0, 0.01, 0.0), GREY),
    Shape.CYLINDER: build.cylinder(0.02, 0.05, (0.0, 0.0, 0.02), GREY, rotation=build.ALONG_X),
    Shape.CAPSULE: build.capsule(0.01, 0.05, (0.0, 0.0, 0.02), GREY, rotation=build.ALONG_Y),
    Shape.MESH: build.frustum(0.02, 0.01, 0.0, 0.04, GREY),
}


@pytest.mark.parametrize("shape", list(Shape))
def test_formulas_agree_with_random_points(shape: Shape) -> None:
    part = PARTS[shape]
    points = np.random.default_rng(1).uniform(-0.05, 0.05, size=(200_000, 3))
    inside = points[contains(part, points)]
    mass = mass_properties(part)
    assert len(inside) / len(points) * 0.1**3 == pytest.approx(mass.volume, rel=0.04)
    assert np.allclose(inside.mean(axis=0), mass.center, atol=1e-3)
    covariance = np.cov(inside.T)
    assert np.allclose(
        np.trace(covariance) * np.eye(3) - covariance,
        mass.inertia / mass.volume,
        rtol=0.05,
        atol=3e-6,
    )
    for axis in (*np.eye(3), *-np.eye(3)):
        assert 0.0 <= reach(part, axis) - (inside @ axis).max() < 4e-3


@pytest.mark.parametrize("shape", list(Shape))
def test_surface_points_lie_on_the_surface_and_normals_point_outwards(shape: Shape) -> None:
    item = model(PARTS[shape])
    surface = item.surface(400, np.random.default_rng(2))
    assert np.allclose(np.linalg.norm(surface.normals, axis=1), 1.0)
    assert contains(item.parts[0], surface.points - 1e-6 * surface.normals).all()
    assert not contains(item.parts[0], surface.points + 1e-6 * surface.normals).any()


def test_touching_parts_hide_their_common_face() -> None:
    halves = model(*(build.box((0.04, 0.04, 0.02), (x, 0.0, 0.0), GREY) for x in (0.0, 0.04)))
    points = halves.surface_points(500, np.random.default_rng(3))
    assert points.shape == (500, 3)
    assert np.abs(points[:, 0]).min() > 1e-6


@pytest.mark.parametrize("family", dict.fromkeys((*FAMILIES, *CATEGORIES)))
def test_a_family_keeps_the_rules(family: str) -> None:
    for seed in (*range(12), 40_001, 40_002, *range(60_000, 60_008)):
        item = object_named(f"{family}-{seed}")
        assert 1 <= len(item.parts) <= MAX_PARTS
        assert 0.015 <= item.extents.max() <= 0.15
        assert 0.03 <= item.mass <= 0.5
        assert 0.35 <= item.friction <= 1.0
        first, second, third = item.inertia
        assert 0.0 < third <= second <= first <= second + third
        assert np.allclose(
            item.object_from_principal[:3, :3].T @ item.object_from_principal[:3, :3], np.eye(3)
        )
        assert np.linalg.det(item.object_from_principal) == pytest.approx(1.0)
        assert (
            np.linalg.norm(item.surface_points(50, np.random.default_rng(seed)), axis=1).max()
            <= item.bounding_radius + 1e-9
        )
        for part in item.parts:
            sides = [reach(part, a) + reach(part, -a) for a in part.object_from_part[:3, :3].T]
            assert min(sides) >= 0.0039


def test_a_mug_is_hollow_and_has_a_handle() -> None:
    mug = make_object("mug", 3, Ranges(hard=0.0, hopeless=0.0))
    inside_the_cup = mug.parts[0].object_from_part[:3, 3] + (0.0, 0.0, 0.03)
    assert not any(contains(part, inside_the_cup[None]).any() for part in mug.parts)
    assert mug.extents[0] > mug.extents[1] + 0.01


def test_an_object_depends_on_its_family_and_seed_alone() -> None:
    code = (
        "from selfgrasp.objects.catalogue import *; "
        "print(catalogue_hash([object_named('mug-0017'), object_named('blob-3')]))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert elsewhere.stdout.strip() == catalogue_hash(
        [make_object("mug", 17), make_object("blob", 3)]
    )
    assert catalogue_hash([make_object("mug", 17)]) != catalogue_hash([make_object("mug", 18)])


def test_sets_share_no_seed_and_held_out_families_only_appear_in_the_test() -> None:
    sets = [train_objects(), validation_objects(), catalogue.test_objects()]
    names = [item.name for group in sets for item in group]
    seeds = [{item.seed for item in group} for group in sets]
    assert len(set(names)) == len(names) == 240
    assert len(set.union(*seeds)) == sum(len(group) for group in seeds)
    assert not {item.family for group in sets[:2] for item in group} & set(HELD_OUT_FAMILIES)
    assert {item.family for item in catalogue.test_objects(9, Novelty.FAMILY)} == set(
        HELD_OUT_FAMILIES
    )
    assert train_objects(5)[4].name == sets[0][4].name


def test_the_sets_of_categories_share_no_instance_and_hold_as_many_of_each() -> None:
    sets = {name: objects_by_name(name) for name in CATEGORY_INSTANCES}
    names = [item.name for group in sets.values() for item in group]
    assert len(set(names)) == len(names) == 34 * 16
    for name, group in sets.items():
        assert Counter(item.family for item in group) == dict.fromkeys(
            CATEGORIES, CATEGORY_INSTANCES[name]
        )
        assert all(item.name == object_named(item.name).name for item in group[:16])


def test_every_vessel_is_another_and_no_seed_is_in_two_sets() -> None:
    sets = {name: objects_by_name(name) for name in VESSEL_SETS}
    assert [len(group) for group in sets.values()] == [44, 12, 15, 500, 44, 15]
    every = [item for group in sets.values() for item in group]
    assert len({item.seed for item in every}) == len(every)
    for name in ("household", "adversarial", "blocks", "blocks-novel"):
        assert all(
            (item.seed or 0) < min(e.start for e in VESSEL_SETS.values())
            for item in objects_by_name(name)
        )
    for name in ("vessels", "vessels-novel", "vessels-many"):
        group = sets[name]
        looks = {
            (item.family, item.pattern, *item.parts[0].color, *item.bounds[1]) for item in group
        }
        assert len(looks) == len(group)
        assert [item.family for item in group[:4]] == ["mug", "bottle", "cup", "bowl"]
        assert all(item.name == object_named(item.name).name for item in group[:4])


@pytest.mark.parametrize("name", ["vessels", "vessels-novel"])
def test_white_vessels_differ_from_the_others_in_color_and_name_alone(name: str) -> None:
    for white, colored in zip(objects_by_name(f"{name}-white"), objects_by_name(name), strict=True):
        assert {tuple(part.color) for part in white.parts} == {(0.9, 0.9, 0.9)}
        again = tuple(
            dataclasses.replace(ours, color=theirs.color)
            for ours, theirs in zip(white.parts, colored.parts, strict=True)
        )
        painted = dataclasses.replace(white, name=colored.name, seed=colored.seed, parts=again)
        assert catalogue_hash([painted]) == catalogue_hash([colored])
        assert catalogue_hash([object_named(white.name)]) == catalogue_hash([white])


def test_vessels_of_a_set_that_look_most_alike_can_be_told_apart() -> None:
    """By the larger difference of their two colors, CIE76: 2.3 is just noticeable."""

    def color(item: ObjectModel, part: int) -> np.ndarray:
        rgb = item.parts[part].color.astype(np.float32)[None, None]
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)[0, 0])

    for name, least in (("vessels", 30.0), ("vessels-validation", 15.0), ("vessels-novel", 60.0)):
        alike = [
            max(float(np.linalg.norm(color(a, part) - color(b, part))) for part in (0, -1))
            for a, b in combinations(objects_by_name(name), 2)
            if a.family == b.family and a.pattern == b.pattern
        ]
        assert min(alike) > least


def test_a_fair_share_is_hard_and_a_few_are_nearly_hopeless() -> None:
    items = train_objects(300)
    sides = np.array([np.sort(item.extents) for item in items])
    slippery = np.mean([item.friction < 0.5 for item in items])
    assert 0.002 < (sides[:, 0] > 0.085).mean() < 0.04
    assert 0.05 < (sides[:, 1] > 0.085).mean() < 0.2
    assert 0.03 < (sides[:, 0] < 0.016).mean() < 0.25
    assert 0.08 < slippery < 0.3


def test_the_held_out_size_lies_outside_the_usual_one() -> None:
    small = catalogue.test_objects(66, Novelty.SIZE)
    usual = catalogue.test_objects(66, Novelty.INSTANCE)
    assert catalogue.HELD_OUT_SCALE[1] < Ranges().scale[0]
    assert np.median([i.extents.max() for i in small]) < 0.85 * np.median(
        [i.extents.max() for i in usual]
    )


def test_patterns_are_mostly_bright_and_repeat() -> None:
    assert PATTERNS[0] == "plain"
    assert (pattern_image("plain") == 255).all()
    for name in PATTERNS:
        tile = pattern_image(name)
        assert (tile.shape, tile.dtype) == ((64, 64, 3), np.uint8)
        assert tile.mean() > 150
        assert not tile.flags.writeable
    assert len({pattern_image(name).tobytes() for name in PATTERNS}) == len(PATTERNS) >= 10


def test_arrays_are_read_only_and_a_caller_s_array_is_left_alone() -> None:
    size = np.array([0.01, 0.02, 0.03])
    part = Part(Shape.BOX, size, pose(), np.array(GREY))
    size[0] = 5.0
    assert part.size[0] == 0.01
    item = model(part)
    for array in (
        part.size,
        part.object_from_part,
        item.inertia,
        item.bounds,
        item.object_from_principal,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.mass = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": np.array([0.01, 0.0, 0.01])}, "3 positive numbers"),
        ({"size": np.array([0.01, np.nan, 0.01])}, "finite"),
        ({"object_from_part": np.diag([2.0, 1.0, 1.0, 1.0])}, "not rigid"),
        ({"color": np.array([0.0, 2.0, 0.0])}, "0 to 1"),
        ({"shape": Shape.SPHERE}, "1 positive numbers and then zeros"),
        ({"shape": Shape.MESH, "size": np.zeros(3)}, "a mesh without vertices"),
    ],
)
def test_a_wrong_part_says_what_was_wanted(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        dataclasses.replace(build.box((0.02, 0.04, 0.06), ORIGIN, GREY), **change)  # type: ignore[arg-type]


def test_a_mesh_inside_out_or_dented_is_refused() -> None:
    part = build.hull(cube_corners(0.02), GREY)
    with pytest.raises(InputError, match="inside out"):
        dataclasses.replace(part, faces=part.hull.faces[:, ::-1])
    dented = part.hull.vertices.copy()
    dented[0] *= 0.1
    with pytest.raises(InputError, match="not convex"):
        dataclasses.replace(part, vertices=dented)


def test_wrong_objects_and_names_say_what_exists() -> None:
    brick = build.box((0.02, 0.02, 0.02), (0.1, 0.0, 0.0), GREY)
    with pytest.raises(
        InputError, match=r"center of mass at .* wanted: the origin; see `assemble`"
    ):
        ObjectModel("a", "a", None, (brick,), 0.1, 0.7)
    with pytest.raises(InputError, match="1 to 12 parts"):
        ObjectModel("a", "a", None, (), 0.1, 0.7)
    with pytest.raises(InputError, match=r"pattern 'tartan'.*exists: .*stripes"):
        ObjectModel("a", "a", None, assemble([brick]), 0.1, 0.7, "tartan")
    with pytest.raises(InputError, match=r"family 'sofa'.*exists: .*mug"):
        make_object("sofa", 0)
    with pytest.raises(InputError, match=r"'nowhere'.*exists: train, validation, test"):
        objects_by_name("nowhere")
    with pytest.raises(InputError, match="given: 0 objects"):
        objects_by_name("train", 0)


def test_mujoco_compiles_the_same_mass_and_inertia() -> None:
    mujoco = pytest.importorskip("mujoco")
    for family in ("mug", "bottle", "hammer", "capsule", "superquadric", "ring"):
        item = make_object(family, 1)
        spec = mujoco.MjSpec()
        body = spec.worldbody.add_body()
        for index, part in enumerate(item.parts):
            quaternion = np.zeros(4)
            mujoco.mju_mat2Quat(quaternion, part.object_from_part[:3, :3].ravel())
            geom = body.add_geom(
                type=getattr(mujoco.mjtGeom, f"mjGEOM_{part.shape.upper()}"),
                size=part.size,
                pos=part.object_from_part[:3, 3],
                quat=quaternion,
            )
            geom.density = item.mass / item.volume * part.density
            if part.shape is Shape.MESH:
                geom.meshname = spec.add_mesh(
                    name=f"m{index}",
                    uservert=part.hull.vertices.ravel(),
                    userface=part.hull.faces.ravel(),
                ).name
        compiled = spec.compile()
        assert compiled.body_mass[1] == pytest.approx(item.mass, rel=1e-4)
        assert np.allclose(np.sort(compiled.body_inertia[1])[::-1], item.inertia, rtol=2e-3)
        assert np.linalg.norm(compiled.body_ipos[1]) < 1e-6


def test_names_of_sets_mean_the_same_everywhere():
    assert [(n, canonical(n)) for n in ("seen", "novel", "mixed", "a/folder")] == [
        ("seen", "train"),
        ("novel", "test"),
        ("mixed", "mixed"),
        ("a/folder", "a/folder"),
    ]
    told = {n: set_label(n) for n in ("seen", "train", "novel", "mixed", "my/cups", "stage")}
    assert told == {
        "seen": "seen",
        "train": "seen",
        "novel": "novel",
        "mixed": "mixed",
        "my/cups": "cups",
        "stage": "stage",
    }
    for name in CATEGORY_SETS.values():
        assert set_label(name) == {v: str(k) for k, v in CATEGORY_SETS.items()}[name]
    assert all(
        objects_named(one) for one in SETS if one not in ("stage", "assorted", "vessels-many")
    )
