"""Checkpoints of selfgrasp 0.1 hold a flat config; it loads as today's nested one."""

from __future__ import annotations

import pytest

from selfgrasp.core import InputError
from selfgrasp.learn import read_info
from selfgrasp.learn.configs import from_json, to_json
from selfgrasp.methods import registry
from selfgrasp.methods.semantic.config import Decision, SemanticConfig, Structure, ventral_patches
from selfgrasp.methods.supersizing.config import SupersizingConfig
from selfgrasp.servo import PatchConfig, PredictorInput, SearchConfig, ServoConfig
from selfgrasp.servo.flat_config import nested_servo

PRESETS = [
    (name, preset)
    for name in ("hand_eye", "semantic", "supersizing")
    for preset in registry.presets(name)
]


def shipped(name: str) -> dict[str, object]:
    path = registry.weights(name)
    assert path is not None
    return dict(read_info(path).config)


def test_the_shipped_hand_eye_weights_have_the_small_config() -> None:
    flat = shipped("hand_eye")
    assert flat["sees"] == "patches"
    assert from_json(ServoConfig, flat) == registry.config_of("hand_eye")


def test_the_shipped_semantic_weights_have_the_small_config_and_a_threshold() -> None:
    flat = shipped("semantic")
    assert flat["found"] == 0.532
    config = from_json(SemanticConfig, flat)
    assert config == SemanticConfig(not_found_threshold=0.532)
    assert config.servo.search.first_samples == 192
    assert config.servo.steps == 4
    assert config.servo.later_images == 1
    assert config.ventral == ventral_patches(48)
    assert config.decision is Decision.PRODUCT


def test_the_shipped_supersizing_weights_have_the_small_config() -> None:
    stored = shipped("supersizing")
    assert stored["second"] is True
    assert from_json(SupersizingConfig, stored) == registry.config_of("supersizing")
    with pytest.raises(InputError, match=r"apart = 0.1; wanted: apart = 0.02"):
        SupersizingConfig.upgraded({**stored, "apart": 0.1})


def test_every_changed_field_of_a_flat_config_arrives() -> None:
    flat = {"sees": "pictures", "picture_px": 96, "view": "wrist", "looks": 3, "steps": 7}
    flat |= {"patch": 0.2, "patch_px": 20, "stored_px": 30, "planes": [0.03], "shift": 0.1}
    flat |= {"turn": 0.2, "jitter": 0.3, "zoom": 0.4, "samples": 8, "first_samples": 9}
    flat |= {"iterations": 2}
    assert from_json(ServoConfig, flat) == ServoConfig(
        input=PredictorInput.IMAGES,
        image_px=96,
        view="wrist",
        later_images=3,
        patches=PatchConfig(0.2, 20, 30, (0.03,), 0.1, 0.2, 0.3, 0.4),
        search=SearchConfig(8, 9, 2),
        steps=7,
    )


def test_fields_that_a_flat_config_lacks_take_their_defaults() -> None:
    flat = {k: v for k, v in shipped("semantic").items() if k not in ("first_samples", "steps")}
    assert from_json(SemanticConfig, flat) == SemanticConfig(not_found_threshold=0.532)


@pytest.mark.parametrize(("name", "value"), [("floor", 0.05), ("eye_channels", [8, 8])])
def test_a_constant_with_another_value_is_refused(name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"{name} = .*wanted: {name} = "):
        nested_servo({**shipped("hand_eye"), name: value})
    semantic = shipped("semantic")
    with pytest.raises(InputError, match=name):
        SemanticConfig.upgraded({**semantic, "ventral": {"sees": "patches", name: value}})
    with pytest.raises(InputError, match=r"hide = 0.5"):
        SemanticConfig.upgraded({**semantic, "hide": 0.5})


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_nested_config_stays_as_it_is(name: str, preset: str) -> None:
    config = registry.config_of(f"{name}:{preset}")
    assert from_json(type(config), to_json(config)) == config


def test_semantic_presets_are_two_functions_of_a_structure() -> None:
    assert len(registry.presets("semantic")) == 14
    single, paper = (registry.config_of(f"semantic:{p}") for p in ("single", "paper_single"))
    assert single.structure is paper.structure is Structure.SINGLE
    assert paper.widths == tuple(2 * width for width in single.widths)
    pictures = registry.config_of("semantic:branches_pictures")
    assert (pictures.structure, pictures.present_share) == (Structure.BRANCHES, 0.25)
    assert registry.config_of("semantic:box").ventral.planes == ()
