"""Trunks from elsewhere: files of ImageNet weights see through our input exactly what they were
made for, and a pretext learns without labels."""

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from selfgrasp.codec import encode_attempt, session_key
from selfgrasp.contracts import methods as contracts
from selfgrasp.contracts.scenes import box_attempts, box_context, box_source, box_spec
from selfgrasp.core import InputError, Session
from selfgrasp.dataset import DatasetWriter
from selfgrasp.learn import Examples, FitConfig, MemorySource, fit, save
from selfgrasp.methods import registry
from selfgrasp.methods.supersizing.config import (
    Angles,
    Reference,
    SupersizingConfig,
    paper,
    paper_owt,
    pretext,
    small,
)
from selfgrasp.methods.supersizing.examples import stored_pixels
from selfgrasp.methods.supersizing.network import GraspNetwork, network_input
from selfgrasp.methods.supersizing.pretrained import (
    Colors,
    Convolution,
    convolutions,
    folded,
    load_trunk,
)
from selfgrasp.rollout.jobs import TrainJob
from selfgrasp.rollout.train import train

torch.set_num_threads(1)
RNG = np.random.default_rng
CAFFE = [(96, 3, 11, 11), (256, 48, 5, 5), (384, 256, 3, 3), (384, 192, 3, 3), (256, 192, 3, 3)]
TORCHVISION = [
    (64, 3, 11, 11),
    (192, 64, 5, 5),
    (384, 192, 3, 3),
    (256, 384, 3, 3),
    (256, 256, 3, 3),
]
FEATURES = (0, 3, 6, 8, 10)
"""Indices of the convolutions in torchvision's `features`."""


def random_layers(shapes: list[tuple[int, ...]], seed: int = 0) -> list[Convolution]:
    rng = RNG(seed)
    weights = [rng.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5 for shape in shapes]
    return [
        Convolution(weight.astype(np.float32), rng.standard_normal(len(weight)).astype(np.float32))
        for weight in weights
    ]


def state_dict(layers: list[Convolution]) -> dict[str, torch.Tensor]:
    """As torchvision names them, with a fully connected layer beside them."""
    out = {"classifier.1.weight": torch.zeros(8, 9), "classifier.1.bias": torch.zeros(8)}
    for index, layer in zip(FEATURES, layers, strict=True):
        out |= {
            f"features.{index}.weight": torch.from_numpy(layer.weight),
            f"features.{index}.bias": torch.from_numpy(layer.bias),
        }
    return out


def caffe_dict(layers: list[Convolution]) -> dict[str, list[np.ndarray]]:
    """As Caffe's weights are handed around: (K, K, I, O), in any order, the fully connected layers
    among them."""
    named = {
        f"conv{i + 1}": [layer.weight.transpose(2, 3, 1, 0), layer.bias]
        for i, layer in enumerate(layers)
    }
    return {
        "fc6": [np.zeros((9, 8), np.float32), np.zeros(8, np.float32)],
        **dict(reversed(named.items())),
    }


def write(path: Path, layers: list[Convolution]) -> Path:
    """In the way that the suffix asks for."""
    match path.suffix:
        case ".safetensors":
            save_file(state_dict(layers), path)
        case ".pt":
            torch.save(state_dict(layers), path)
        case ".pth":
            torch.save(
                {
                    "epoch": 90,
                    "state_dict": {f"module.{name}": t for name, t in state_dict(layers).items()},
                },
                path,
            )
        case ".npz":
            np.savez(
                path,
                **{
                    f"{name}_{part}": array
                    for name, pair in caffe_dict(layers).items()
                    for part, array in zip("Wb", pair, strict=True)
                },
            )
        case ".npy":
            np.save(path, np.array(caffe_dict(layers), dtype=object), allow_pickle=True)
    return path


def reference(picture: torch.Tensor, layers: list[Convolution], colors: Colors) -> torch.Tensor:
    """What the file's own network gives for a picture (B, 3, 227, 227) of red, green, blue in
    0..255; layer by layer, on its own input."""
    if colors is Colors.CAFFE:
        x = picture[:, [2, 1, 0]] - torch.tensor([104.00698793, 116.66876762, 122.67891434]).view(
            3, 1, 1
        )
    else:
        x = (picture / 255 - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
            [0.229, 0.224, 0.225]
        ).view(3, 1, 1)
    caffe = layers[0].weight.shape[0] == 96
    for i, (layer, padding) in enumerate(zip(layers, (0, 2, 1, 1, 1), strict=True)):
        groups = 2 if caffe and i in (1, 3, 4) else 1
        weight, bias = (
            torch.from_numpy(layer.weight).double(),
            torch.from_numpy(layer.bias).double(),
        )
        x = F.relu(
            F.conv2d(x, weight, bias, stride=4 if i == 0 else 1, padding=padding, groups=groups)
        )
        if caffe and i < 2:
            x = F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)
        if i in (0, 1, 4):
            x = F.max_pool2d(x, 3, 2)
    return x


def ours(picture: np.ndarray, network: GraspNetwork, config: SupersizingConfig) -> torch.Tensor:
    """What our trunk gives for a picture (B, 227, 227, 3) uint8, through the method's own input."""
    x = network_input(picture, np.zeros(picture.shape[:3]), np.zeros(len(picture)), config)
    with torch.inference_mode():
        return network.double().trunk(x.double())


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".npz", ".npy"])
@pytest.mark.parametrize(
    ("shapes", "config"),
    [(CAFFE, paper()), (TORCHVISION, paper_owt())],
    ids=["caffe", "torchvision"],
)
def test_every_kind_of_file_gives_its_layers(
    suffix: str, shapes: list[tuple[int, ...]], config: SupersizingConfig, tmp_path: Path
):
    layers = random_layers(shapes)
    found = convolutions(write(tmp_path / f"weights{suffix}", layers), shapes)
    for layer, given in zip(layers, found, strict=True):
        assert np.array_equal(layer.weight, given.weight)
        assert np.array_equal(layer.bias, given.bias)
    assert [
        tuple(m.weight.shape) for m in small_network(config).trunk if isinstance(m, nn.Conv2d)
    ] == shapes


def small_network(config: SupersizingConfig) -> GraspNetwork:
    """With its trunk as it is and little behind it."""
    return GraspNetwork(replace(config, hidden=(4,)))


@pytest.mark.parametrize("colors", Colors)
def test_our_input_gives_what_the_files_own_input_would(colors: Colors, tmp_path: Path):
    shapes, config = (CAFFE, paper()) if colors is Colors.CAFFE else (TORCHVISION, paper_owt())
    layers = random_layers(shapes)
    picture = RNG(1).integers(0, 256, (1, 227, 227, 3), dtype=np.uint8)
    wanted = reference(torch.from_numpy(picture).permute(0, 3, 1, 2).double(), layers, colors)
    network = small_network(config)
    load_trunk(network, config, write(tmp_path / "weights.safetensors", layers))
    got = ours(picture, network, config)
    assert got.shape == wanted.shape == (1, 256, 6, 6)
    assert wanted.std() > 0.1
    # Weights are folded in double precision and kept in single.
    assert torch.allclose(got, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


def test_folding_by_hand():
    weight = np.zeros((1, 3, 1, 1))
    weight[0, 0] = 1.0
    blue = folded(Convolution(weight, np.array([5.0])), Colors.CAFFE)
    assert blue.weight[0, :, 0, 0].tolist() == [0, 0, 127.5], (
        "Caffe's first channel is blue, our last"
    )
    assert blue.bias[0] == pytest.approx(5 + 127.5 - 104.00698793)
    red = folded(Convolution(weight, np.array([5.0])), Colors.TORCHVISION)
    assert red.weight[0, :, 0, 0] == pytest.approx([0.5 / 0.229, 0, 0])
    white = red.weight[0, 0, 0, 0] + red.bias[0]
    assert white == pytest.approx(5 + (1 - 0.485) / 0.229)


def test_the_colours_can_be_said(tmp_path: Path):
    """A network of the published shape that was trained as torchvision trains."""
    path, method = (
        write(tmp_path / "weights.pt", random_layers(CAFFE)),
        registry.build("supersizing", config=replace(paper(), hidden=(4,))),
    )
    method.load_trunk(path)
    caffe = method.network.trunk[0].weight.detach().clone()
    method.load_trunk(path, colors=Colors.TORCHVISION)
    assert not torch.allclose(caffe, method.network.trunk[0].weight)


def test_the_head_stays_as_it_was(tmp_path: Path):
    config = replace(paper_owt(), hidden=(4,))
    method, other = (registry.build("supersizing", config=config, seed=3) for _ in range(2))
    method.load_trunk(write(tmp_path / "weights.pt", random_layers(TORCHVISION)))
    after, before = method.state_dict(), other.state_dict()
    assert all(
        torch.equal(after[name], before[name]) == (not name.startswith("network.trunk."))
        for name in after
    )


def test_what_does_not_fit_is_said(tmp_path: Path):
    network = small_network(paper())
    before = network.trunk[0].weight.detach().clone()
    layers = random_layers(TORCHVISION)
    with pytest.raises(
        InputError,
        match=r"5 convolutions: features.0.weight \(64, 3, 11, 11\)"
        r".*wanted: 5 of .*\(96, 3, 11, 11\).*exists: .*paper_owt",
    ):
        load_trunk(network, paper(), write(tmp_path / "other.pt", layers))
    with pytest.raises(InputError, match="with 0 convolutions: none"):
        convolutions(_saved(tmp_path / "none.safetensors", {"a": torch.zeros(3)}), CAFFE)
    few = {name: t for name, t in state_dict(layers).items() if "features.10" not in name}
    with pytest.raises(InputError, match="with 4 convolutions"):
        convolutions(_saved(tmp_path / "few.safetensors", few), TORCHVISION)
    bare = {name: t for name, t in state_dict(layers).items() if name != "features.3.bias"}
    with pytest.raises(
        InputError, match=r"0 vectors of 192 beside features\.3\.weight; wanted: one, the bias"
    ):
        convolutions(_saved(tmp_path / "bare.safetensors", bare), TORCHVISION)
    config, three = (
        replace(paper(), channels=small().channels),
        write(tmp_path / "three.pt", random_layers(CAFFE)),
    )
    with pytest.raises(InputError, match=r"\(96, 4, 11, 11\)"):
        load_trunk(small_network(config), config, three)
    assert torch.equal(network.trunk[0].weight, before), (
        "nothing is changed where anything is wrong"
    )


def _saved(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save_file(tensors, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".npz", ".npy"])
def test_files_that_cannot_be_read_are_named(suffix: str, tmp_path: Path):
    path = tmp_path / f"weights{suffix}"
    with pytest.raises(InputError, match=r"weights\.\w+, which does not exist; wanted: .*\.npz"):
        load_trunk(small_network(paper()), paper(), path)
    path.write_bytes(b"not weights at all")
    with pytest.raises(
        InputError, match=rf"weights\{suffix} of 18 bytes \(.*; wanted: a whole file of weights"
    ):
        load_trunk(small_network(paper()), paper(), path)


def test_other_files_are_refused(tmp_path: Path):
    (tmp_path / "weights.h5").write_bytes(b"x")
    with pytest.raises(InputError, match=r"weights.h5; wanted: a file of weights: .safetensors"):
        load_trunk(small_network(paper()), paper(), tmp_path / "weights.h5")
    np.save(tmp_path / "array.npy", np.zeros((96, 3, 11, 11)))
    with pytest.raises(InputError, match="one array, not a dict"):
        load_trunk(small_network(paper()), paper(), tmp_path / "array.npy")
    with pytest.raises(InputError, match="for the compact trunk; wanted: a run or a checkpoint"):
        load_trunk(
            GraspNetwork(small()), small(), write(tmp_path / "weights.pt", random_layers(CAFFE))
        )


class Malice:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("suffix", [".npy", ".pt"])
def test_a_pickle_runs_nothing(suffix: str, tmp_path: Path):
    path, trace = tmp_path / f"weights{suffix}", tmp_path / "trace"
    content = {"conv1": Malice(trace)}
    if suffix == ".npy":
        np.save(path, np.array(content, dtype=object), allow_pickle=True)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match="UnpicklingError"):
        load_trunk(small_network(paper()), paper(), path)
    assert not trace.exists()


def test_dicts_pickled_by_python_2_are_read(tmp_path: Path):
    """Protocol 2, and arrays that come from numpy.core: the way bvlc_alexnet.npy was written."""
    whole = np.array({"conv1": [np.arange(3, dtype=np.float32)]}, dtype=object)
    pickled = pickle.dumps(whole, protocol=2).replace(
        b"numpy._core.multiarray", b"numpy.core.multiarray"
    )
    with (tmp_path / "old.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|O", "fortran_order": False, "shape": ()}
        )
        file.write(pickled)
    with pytest.raises(InputError, match="with 0 convolutions"):
        convolutions(tmp_path / "old.npy", CAFFE)


OF_NO_PLAN = (
    contracts.config_round_trip,
    contracts.examples_are_finite_and_typed,
    contracts.overfits_eight_examples,
    contracts.undeclared_labels_are_unreadable,
)


@pytest.mark.parametrize("contract", OF_NO_PLAN, ids=lambda c: c.__name__)
def test_contract_of_the_pretext(contract):
    """Those that ask for no plan."""
    contract("supersizing:pretext")


def test_the_pretext_has_four_outputs_and_sees_the_patch_alone():
    method = registry.build("supersizing:pretext")
    examples = method.examples(box_source(2, grasps=4), "train", RNG(0))
    batch = method.batch(examples, np.arange(3), RNG(0), augment=True)
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "patch": (3, 4, 45, 45)
    }
    assert method.network.head[-1].out_features == 4
    assert method.network.head[0].in_features == method.network.trunk[-3].out_channels
    with pytest.raises(InputError, match="angles = rotated for the task rotation"):
        replace(pretext(), angles=Angles.ROTATED)


def ramps(config: SupersizingConfig, yaws: np.ndarray) -> Examples:
    """Crops in grippers' frames of a world in which height rises along +x."""
    side, n = stored_pixels(config), len(yaws)
    at = (np.arange(side) - (side - 1) / 2) / 1000
    u, v = np.meshgrid(at, at)
    height = 0.05 + np.cos(yaws)[:, None, None] * u - np.sin(yaws)[:, None, None] * v
    columns = {
        "color": np.full((n, side, side, 3), 90, np.uint8),
        "height": height.astype(np.float16),
        "fingertip": np.zeros(n),
        "yaw": yaws,
    }
    return Examples(
        {
            k: np.asarray(c, np.float32) if k in ("fingertip", "yaw") else c
            for k, c in columns.items()
        },
        np.ones(n, np.float32),
    )


@pytest.mark.parametrize("augment", [False, True])
def test_pretext_patches_lie_as_the_world_does_and_are_never_mirrored(augment: bool):
    config = pretext()
    yaws = RNG(0).uniform(-np.pi, np.pi, 40)
    batch = registry.build("supersizing:pretext").batch(
        ramps(config, yaws), np.arange(40), RNG(1), augment=augment
    )
    for patch in batch["patch"][:, 3].numpy():
        du, dv = (
            np.diff(patch[12:-12, 12:-12], axis=1).mean(),
            np.diff(patch[12:-12, 12:-12], axis=0).mean(),
        )
        assert abs(np.degrees(np.arctan2(dv, du))) < (5.5 if augment else 1.0)


def test_crops_know_their_whole_direction():
    """Half a turn is nothing to a gripper, but it is to the pretext."""
    flipped = []
    for attempt in box_attempts(1, grasps=4):
        step = attempt.steps[0]
        pose = step.action.world_from_tool @ np.diag([-1.0, -1.0, 1.0, 1.0])
        flipped.append(
            replace(
                attempt, steps=(replace(step, action=replace(step.action, world_from_tool=pose)),)
            )
        )
    method = registry.build("supersizing:pretext")
    one, other = (
        method.examples(MemorySource(a, box_spec(), shares=(1, 0, 0)), "train", RNG(0))
        for a in (box_attempts(1, grasps=4), flipped)
    )
    assert not np.allclose(one["height"], other["height"], atol=1e-3)
    patches = [method.batch(e, np.arange(4), RNG(0), augment=False)["patch"] for e in (one, other)]
    assert torch.allclose(*patches, atol=0.05)


def test_the_turns_move_pixels_and_change_none():
    method = registry.build("supersizing:pretext").eval()
    seen = []
    method.network.trunk.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    patch = torch.rand(2, 4, 45, 45)
    with torch.inference_mode():
        assert 0 <= method.loss({"patch": patch}).metrics["accuracy"] <= 1
    turned = seen[0].reshape(4, 2, 4, 45, 45).numpy()
    for quarter in range(4):
        assert np.array_equal(turned[quarter], np.rot90(patch.numpy(), quarter, (2, 3)))


def test_the_pretext_reads_no_label(tmp_path: Path):
    method, recipe = registry.build("supersizing:pretext"), FitConfig(epochs=1, device="cpu")
    attempts = box_attempts(2, grasps=6)
    other = [
        replace(a, outcome=replace(a.outcome, grasped=not a.outcome.grasped, width=0.0))
        for a in attempts
    ]
    states = []
    for name, made in (("one", attempts), ("other", other)):
        trained = registry.build("supersizing:pretext")
        fit(
            trained,
            trained.examples(MemorySource(made, box_spec(), shares=(1, 0, 0)), "train", RNG(0)),
            None,
            recipe,
            tmp_path / name,
        )
        states.append(trained.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    examples = method.examples(
        MemorySource(attempts, box_spec(), shares=(1, 0, 0)), "train", RNG(0)
    )
    without = Examples(
        {name: column for name, column in examples.columns.items() if name != "grasped"},
        examples.weights,
    )
    assert method.batch(without, np.arange(4), RNG(0), augment=True).keys() == {"patch"}


def test_a_pretext_cannot_plan():
    method, context = registry.build("supersizing:pretext"), box_context()
    for ask in (
        lambda: method.plan(context),
        lambda: method.exploring().plan(context),
        lambda: method.score(context, []),
    ):
        with pytest.raises(
            InputError,
            match=r"learned the task rotation, a pretext; "
            r"wanted: .* the task grasp; exists: selfgrasp train supersizing --trunk",
        ):
            ask()


def test_a_trunk_that_saw_something_else_is_refused(tmp_path: Path):
    save(tmp_path / "best.safetensors", registry.build("supersizing:pretext"))
    with pytest.raises(
        InputError, match=r"whose trunk has reference = late; wanted: reference = subtracted"
    ):
        registry.build("supersizing:outputs").load_trunk(tmp_path)
    with pytest.raises(
        InputError, match=r"whose trunk has trunk = compact, channels = color_height"
    ):
        registry.build("supersizing", config=replace(paper(), hidden=(4,))).load_trunk(tmp_path)
    subtracted = replace(pretext(), reference=Reference.SUBTRACTED)
    save(tmp_path / "other.safetensors", registry.build("supersizing", config=subtracted))
    registry.build("supersizing:outputs").load_trunk(tmp_path / "other.safetensors")


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 48 attempts on boxes."""
    folder = tmp_path_factory.mktemp("boxes")
    session = Session(box_spec(), {}, "random", "boxes", 0)
    with DatasetWriter.create_or_open(folder, session) as writer:
        writer.append(
            [
                encode_attempt(replace(a, session=session_key(session)))
                for a in box_attempts(12, grasps=4)
            ]
        )
    return folder


def test_the_ablation_by_its_commands(boxes: Path, tmp_path: Path):
    """A pretext, then a network that starts from its trunk."""
    pretrained = train(
        TrainJob("supersizing:pretext", (boxes,), tmp_path / "pretext", epochs=2, device="cpu")
    )
    assert 0 <= pretrained.metrics["accuracy"] <= 1
    trunk = {
        name: tensor
        for name, tensor in registry.load(tmp_path / "pretext").network.state_dict().items()
        if name.startswith("trunk.")
    }
    method, fresh = registry.build("supersizing"), registry.build("supersizing").state_dict()
    method.load_trunk(tmp_path / "pretext")
    state = method.state_dict()
    wanted = {
        f"{network}.{name}": tensor
        for network in ("network", "second")
        for name, tensor in trunk.items()
    }
    # The second network's first layer sees the hand besides, of which the pretext knew nothing.
    drawn = "second.trunk.0.weight"
    wanted[drawn] = torch.cat([wanted[drawn], fresh[drawn][:, 4:]], dim=1)
    assert all(torch.equal(tensor, wanted.get(name, fresh[name])) for name, tensor in state.items())
    first = "network.trunk.0.weight"
    assert not torch.equal(state[first], fresh[first])
    # Steps too small to leave where they start from.
    result = train(
        TrainJob(
            "supersizing",
            (boxes,),
            tmp_path / "grasp",
            trunk=str(tmp_path / "pretext"),
            epochs=1,
            max_seconds=0.01,
            device="cpu",
        )
    )
    trained = registry.load(result.best).state_dict()
    from_pretext, from_fresh = (
        float((trained[first] - start[first]).norm()) for start in (wanted, fresh)
    )
    assert from_pretext < 0.2 * from_fresh
    assert json.loads((tmp_path / "grasp" / "config.json").read_text())["trunk"] == str(
        tmp_path / "pretext"
    )
    with pytest.raises(InputError, match=r"'start': ''.*or another folder"):
        train(
            TrainJob(
                "supersizing",
                (boxes,),
                tmp_path / "grasp",
                epochs=1,
                max_seconds=0.01,
                device="cpu",
            )
        )
    assert json.loads((tmp_path / "grasp" / "config.json").read_text())["trunk"] == str(
        tmp_path / "pretext"
    ), "the first run's config stays"


def test_trunk_and_start_exclude_each_other(boxes: Path, tmp_path: Path):
    with pytest.raises(InputError, match="--start a and --trunk b; wanted: one of them"):
        train(TrainJob("supersizing", (boxes,), tmp_path / "run", start="a", trunk="b"))
    assert not (tmp_path / "run").exists()


def test_a_method_without_a_trunk_says_so(tmp_path: Path):
    from selfgrasp.learn import Method

    with pytest.raises(
        InputError,
        match="as the trunk of supersizing; wanted: a method whose trunk can come from elsewhere",
    ):
        Method.load_trunk(registry.build("supersizing"), tmp_path)
