"""What a policy's name means: parsed by rules, found once, and never by what lies in the working
folder."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from selfgrasp.core import InputError, PolicyRef
from selfgrasp.core.policy_ref import PolicyText, policy_text
from selfgrasp.learn import checkpoint as checkpoints
from selfgrasp.learn import save
from selfgrasp.methods import registry
from selfgrasp.rollout.policies import baselines, load_policy, resolve, weights_file
from selfgrasp.servo.method import ServoMethod


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("random", PolicyText("random")),
        ("hand_eye+open", PolicyText("hand_eye", variant="open")),
        ("hand_eye:paper+explore4", PolicyText("hand_eye", "paper", variant="explore4")),
        ("runs/first", PolicyText(path=Path("runs/first"))),
        ("./first+explore", PolicyText(path=Path("first"), variant="explore")),
        ("../first", PolicyText(path=Path("../first"))),
        ("first/", PolicyText(path=Path("first"))),
        ("runs/a+b/", PolicyText(path=Path("runs/a+b"))),
        ("runs/a+b/+open", PolicyText(path=Path("runs/a+b"), variant="open")),
        ("runs/a+b+open", PolicyText(path=Path("runs/a+b"), variant="open")),
        ("best.safetensors", PolicyText(path=Path("best.safetensors"))),
        ("a+b.safetensors", PolicyText(path=Path("a+b.safetensors"))),
    ],
)
def test_a_name_has_parts(text: str, parts: PolicyText) -> None:
    assert PolicyText.parse(text) == parts


@pytest.mark.parametrize(
    "path", ["first", "runs/first", "a+b", "runs/a+b", "/x/y", "a.safetensors"]
)
@pytest.mark.parametrize("variant", ["", "explore"])
def test_a_path_written_as_a_policy_is_read_as_that_path(path: str, variant: str) -> None:
    text = policy_text(Path(path), variant)
    assert PolicyText.parse(text) == PolicyText(path=Path(path), variant=variant)


def test_what_a_name_means_does_not_depend_on_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("hand_eye+explore", "random", "supersizing")
    before = [resolve(name) for name in names]
    monkeypatch.chdir(tmp_path)
    for name in names:
        save(tmp_path / name / "best.safetensors", registry.build("supersizing"))
    assert [resolve(name) for name in names] == before
    assert resolve("./hand_eye+explore/").file == tmp_path / "hand_eye+explore/best.safetensors"


def test_a_folder_whose_name_was_given_without_a_slash_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "mine" / "best.safetensors", registry.build("supersizing"))
    with pytest.raises(InputError, match=r"policy 'mine'.*write \./mine"):
        resolve("mine")
    assert resolve("./mine").name == "supersizing"


def test_a_reference_stays_what_it_is_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "runs/mine/best.safetensors", registry.build("supersizing"))
    monkeypatch.chdir(tmp_path)
    ref = resolve("runs/mine+explore")
    monkeypatch.chdir("/")
    assert load_policy(ref).name == "supersizing-candidates"
    assert (ref.label, ref.learned, ref.shipped) == ("supersizing (mine+explore)", True, False)
    with pytest.raises(FrozenInstanceError):
        ref.name = "other"  # type: ignore[misc]


def test_the_same_weights_have_one_identity_wherever_they_lie(tmp_path: Path) -> None:
    method = registry.build("supersizing")
    for folder in ("a", "b"):
        save(tmp_path / folder / "checkpoints" / "best.safetensors", method)
    a, b = (resolve(f"{tmp_path}/{folder}") for folder in ("a", "b"))
    assert a.identity == b.identity != resolve("supersizing").identity
    assert resolve(f"{tmp_path}/a+sample").identity == a.identity.replace("@", "+sample@")


def test_privileged_labels_are_read_without_loading_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = registry.method_class("supersizing")
    save(tmp_path / "best.safetensors", registry.build("supersizing"))
    monkeypatch.setattr(kind, "reads_labels", ("truth.object", "category"))
    monkeypatch.setattr(checkpoints, "load", lambda *_: pytest.fail("loaded"))
    assert resolve(f"{tmp_path}").privileged == ("truth.object",)
    assert resolve("oracle").privileged == ("truth.state", "truth.outcome")
    assert resolve("heuristic") == PolicyRef("heuristic")


def test_wrong_names_say_what_exists(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"policy 'nosuch'.*exists: .*oracle, random.*supersizing"):
        resolve("nosuch")
    with pytest.raises(InputError, match="neither variants nor presets"):
        resolve("random+explore")
    with pytest.raises(InputError, match=r"'supersizing:huge'.*has no shipped weights"):
        resolve("supersizing:huge")
    with pytest.raises(InputError, match="policy 'runs/nosuch'"):
        resolve("runs/nosuch")
    with pytest.raises(InputError, match=r"checkpoints/best\.safetensors"):
        resolve(f"{tmp_path}")
    with pytest.raises(InputError, match="a policy with weights"):
        weights_file("heuristic")
    other = tmp_path / "alexnet.bin"
    other.write_bytes(b"weights")
    assert weights_file(str(other)) == other


def test_exploring_takes_its_number() -> None:
    method = registry.build("hand_eye")
    assert isinstance(method, ServoMethod)
    assert set(method.variants()) == {"explore", "no_failure_memory", "open"}
    assert load_policy("hand_eye+explore4").steps == 4  # type: ignore[attr-defined]
    assert load_policy("hand_eye+explore").steps == method.config.steps  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="from 2 to 10 motions"):
        load_policy("hand_eye+explore11")
    with pytest.raises(InputError, match=r"variant of hand_eye 'explores'.*exploreNUMBER"):
        load_policy("hand_eye+explores")


def test_baselines_are_the_files_of_their_folder_and_the_oracle() -> None:
    assert set(baselines()) == {
        "random",
        "random_servo",
        "random_push_grasp",
        "heuristic",
        "igq",
        "registration",
        "oracle",
    }
    for name in set(baselines()) - {"oracle"}:
        assert load_policy(name).name == name
    with pytest.raises(InputError, match="without a simulated cell"):
        load_policy("oracle")


def test_naming_a_policy_needs_numpy_alone() -> None:
    code = (
        "import sys; from selfgrasp.core import PolicyRef; "
        "print({'torch', 'mujoco'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
