"""Checkpoints: what is saved comes back, what does not fit is named."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from selfgrasp.core import InputError
from selfgrasp.learn import Storage, configs, load_into, read_info, save
from selfgrasp.methods import registry
from selfgrasp.methods.semantic.config import SemanticConfig
from selfgrasp.methods.supersizing.config import Angles, SupersizingConfig, outputs, small
from selfgrasp.rollout.policies import load_policy


def test_a_checkpoint_says_what_it_is(tmp_path: Path):
    method = registry.build("supersizing")
    save(tmp_path / "a.safetensors", method, data="d1", metrics={"loss": 0.5})
    info = read_info(tmp_path / "a.safetensors")
    assert (info.method, info.version, info.data, info.metrics) == (
        "supersizing",
        method.version,
        "d1",
        {"loss": 0.5},
    )
    loaded = registry.load(tmp_path / "a.safetensors")
    assert loaded.config == small()
    assert all(torch.equal(v, loaded.state_dict()[k]) for k, v in method.state_dict().items())
    assert not loaded.training


def test_half_precision_for_shipping(tmp_path: Path):
    method = registry.build("supersizing")
    save(tmp_path / "full.safetensors", method)
    save(tmp_path / "half.safetensors", method, storage=Storage.FLOAT16)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.55 * (
        tmp_path / "full.safetensors"
    ).stat().st_size
    loaded = registry.load(tmp_path / "half.safetensors").state_dict()
    for name, tensor in method.state_dict().items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.allclose(tensor.float(), loaded[name].float(), atol=1e-3, rtol=1e-3)


def test_a_run_folder_stands_for_its_best_checkpoint(tmp_path: Path):
    save(tmp_path / "checkpoints" / "best.safetensors", registry.build("supersizing"))
    for folder in (tmp_path, tmp_path / "checkpoints"):
        assert load_policy(str(folder)).name == "supersizing"


def test_a_truncated_file_is_named(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    save(path, registry.build("supersizing"))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(
        InputError, match=r"a\.safetensors of \d+ bytes.*wanted: a whole safetensors file"
    ):
        registry.load(path)


def test_a_file_of_someone_else_is_named(tmp_path: Path):
    save_file({"x": torch.zeros(2)}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="wanted: a checkpoint written by selfgrasp"):
        registry.load(tmp_path / "x.safetensors")
    (tmp_path / "notes.safetensors").write_text("not at all")
    with pytest.raises(InputError, match="wanted: a whole safetensors file"):
        registry.load(tmp_path / "notes.safetensors")
    with pytest.raises(
        InputError, match=r"missing.*exists: beside it: notes\.safetensors, x\.safetensors"
    ):
        registry.load(tmp_path / "missing")


def test_damage_inside_a_whole_file_is_named(tmp_path: Path):
    method = registry.build("supersizing")
    next(method.parameters()).data[0] = float("nan")
    save(tmp_path / "a.safetensors", method)
    with pytest.raises(InputError, match="1 tensors are not finite"):
        registry.load(tmp_path / "a.safetensors")
    save_file({"x": torch.zeros(2)}, tmp_path / "x.safetensors", metadata={"selfgrasp": "{"})
    with pytest.raises(InputError, match="malformed JSON"):
        registry.load(tmp_path / "x.safetensors")


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save(tmp_path / "a.safetensors", registry.build("supersizing"))
    version = registry.method_class("supersizing").version
    monkeypatch.setattr(registry.method_class("supersizing"), "version", version + 1)
    with pytest.raises(
        InputError,
        match=f"a checkpoint of supersizing version {version}; wanted: supersizing version "
        f"{version + 1}",
    ):
        registry.load(tmp_path / "a.safetensors")


def test_another_shape_is_refused(tmp_path: Path):
    save(tmp_path / "a.safetensors", registry.build("supersizing"))
    with pytest.raises(InputError, match=r"\d+ tensors differ"):
        load_into(tmp_path / "a.safetensors", registry.build("supersizing:outputs"))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(InputError, match=r"method 'supersize'; .*exists: .*supersizing"):
        registry.build("supersize")
    with pytest.raises(
        InputError,
        match=r"preset of supersizing 'big'.*exists: outputs, paper, paper_owt, pretext, small",
    ):
        registry.build("supersizing:big")
    with pytest.raises(InputError, match=r"policy 'best'.*heuristic"):
        load_policy("best")


def test_configs_refuse_what_does_not_fit():
    data = configs.to_json(outputs())
    assert configs.from_json(SupersizingConfig, data).angles is Angles.OUTPUTS
    with pytest.raises(InputError, match="field bons"):
        configs.from_json(SupersizingConfig, {"bons": 18})
    with pytest.raises(InputError, match="exists: outputs, rotated"):
        configs.from_json(SupersizingConfig, {"angles": "sideways"})
    with pytest.raises(InputError, match=r"SupersizingConfig\.bins = 'many'; wanted: int"):
        configs.from_json(SupersizingConfig, {"bins": "many"})
    with pytest.raises(InputError, match=r"openings = 0\.5"):
        configs.from_json(SupersizingConfig, {"openings": 0.5})
    with pytest.raises(InputError, match="ventral = 5; wanted: the fields of"):
        configs.from_json(SemanticConfig, {"ventral": 5})
