"""A trunk from elsewhere: AlexNet's convolutions from a file of ImageNet weights, or the trunk of
an earlier run. O outputs, I inputs, K kernel side, px.

Pinto & Gupta, section III.B: the convolutional layers start from an AlexNet trained on ImageNet,
the fully connected ones at random. The package brings no such weights and fetches none; the file is
the user's.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from selfgrasp.core import InputError
from selfgrasp.core.arrays import FloatArray
from selfgrasp.learn import checkpoint, configs, read_info
from selfgrasp.methods.supersizing.config import SupersizingConfig, Trunk
from selfgrasp.methods.supersizing.network import GraspNetwork

SUFFIXES = (".safetensors", ".pt", ".pth", ".npy", ".npz")
"""Of files of weights that are read."""
_SEEN = ("trunk", "widths", "channels", "reference", "context", "pixels", "map_pixels")
"""Fields of the config that say what a trunk is and what it sees."""
_KNOWN = (
    "supersizing:paper takes Caffe's AlexNet (96, 256, 384, 384, 256 channels, two groups), "
    "supersizing:paper_owt torchvision's (64, 192, 384, 256, 256)"
)


class Colors(StrEnum):
    """What a file's first layer expects to see.

    torchvision: red, green, blue in 0..1, less the mean (0.485, 0.456, 0.406), by the deviation
    (0.229, 0.224, 0.225). caffe: blue, green, red in 0..255, less the mean (104.007, 116.669,
    122.679).
    """

    TORCHVISION = "torchvision"
    CAFFE = "caffe"


@dataclass(frozen=True, eq=False)
class Convolution:
    """One layer as a file has it: weight (O, I, K, K) float64, bias (O,) float64."""

    weight: FloatArray
    bias: FloatArray


def load_trunk(
    network: GraspNetwork, config: SupersizingConfig, path: Path, *, colors: Colors | None = None
) -> None:
    """Fill `network`'s trunk from `path`; its head stays as it is.

    Args:
        network: on the CPU or elsewhere; changed in place, or not at all if anything is wrong.
        config: that it was built from.
        path: the folder or the checkpoint of a run of this method whose trunk saw the same (a
            pretext, for example); or, for the trunks shaped like AlexNet, a file of ImageNet
            weights: see `convolutions`.
        colors: what that file's first layer expects. By default what the network of that shape was
            published with: Caffe's for `Trunk.ALEXNET`, torchvision's for `Trunk.ALEXNET_OWT`.

    Raises:
        InputError: no such file, an unreadable one, or one whose layers do not fit.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(
            given=f"{path}, which does not exist",
            wanted=f"the folder of a run, or a file of weights: {', '.join(SUFFIXES)}",
        )
    if _is_ours(path):
        _load_ours(network, config, path)
    elif config.trunk is Trunk.COMPACT:
        raise InputError(
            given=f"{path} for the compact trunk",
            wanted="a run or a checkpoint of supersizing, supersizing:pretext for example",
            exists=_KNOWN,
        )
    else:
        _load_imagenet(
            network,
            path,
            colors or (Colors.CAFFE if config.trunk is Trunk.ALEXNET else Colors.TORCHVISION),
        )


def convolutions(path: Path, wanted: Sequence[tuple[int, ...]]) -> list[Convolution]:
    """The convolutions in a file, in the order of their names (conv1 to conv5; features.0 to
    features.10), the fully connected layers left out.

    Read are safetensors; PyTorch's .pt and .pth: a state dict, alone or under "state_dict", loaded
    with weights_only=True; NumPy's .npz; and .npy with the pickled dict that Caffe's weights are
    handed around in (bvlc_alexnet.npy), out of which nothing but arrays is let. Weights are (O, I,
    K, K), or (K, K, I, O) as in those dicts; a bias is the vector beside its weight.

    Args:
        path: the file.
        wanted: (O, I, K, K) of each layer.

    Raises:
        InputError: not a file, an unreadable one, another number of layers, other shapes, or no
            bias.
    """
    tensors = _read(path)
    names = sorted((name for name, t in tensors.items() if t.ndim == 4), key=_natural)
    weights = [
        _oikk(tensors[name], tuple(shape)) for name, shape in zip(names, wanted, strict=False)
    ]
    if len(names) != len(wanted) or any(
        w.shape != tuple(shape) for w, shape in zip(weights, wanted, strict=True)
    ):
        found = ", ".join(f"{name} {tensors[name].shape}" for name in names) or "none"
        shapes = ", ".join(str(tuple(shape)) for shape in wanted)
        raise InputError(
            given=f"{path} with {len(names)} convolutions: {found}",
            wanted=f"{len(wanted)} of (out, in, rows, columns) {shapes}",
            exists=_KNOWN,
        )
    return [
        Convolution(weight, _bias_of(name, len(weight), tensors, path))
        for name, weight in zip(names, weights, strict=True)
    ]


def folded(layer: Convolution, colors: Colors) -> Convolution:
    """The layer that gives for our input, (red, green, blue) in -1..1, what `layer` gives for the
    same picture as `colors` wants it.

    That is exact in every cell, since the first layer of both trunks pads nothing: a constant
    offset of the input is a constant offset of the output.
    """
    # What the file saw is scale x + offset, channel by channel, of our x: pixels are 127.5 (x + 1)
    # of 255.
    if colors is Colors.CAFFE:
        order, scale, offset = (
            [2, 1, 0],
            np.full(3, 127.5),
            127.5 - np.array([122.67891434, 116.66876762, 104.00698793]),
        )
    else:
        deviation = np.array([0.229, 0.224, 0.225])
        order, scale, offset = (
            [0, 1, 2],
            0.5 / deviation,
            (0.5 - np.array([0.485, 0.456, 0.406])) / deviation,
        )
    weight = layer.weight[:, order]
    return Convolution(
        weight * scale[:, None, None],
        layer.bias + (weight * offset[:, None, None]).sum(axis=(1, 2, 3)),
    )


def _load_imagenet(network: GraspNetwork, path: Path, colors: Colors) -> None:
    layers = [m for m in network.trunk if isinstance(m, nn.Conv2d)]
    first, *rest = convolutions(path, [tuple(m.weight.shape) for m in layers])
    with torch.no_grad():
        for layer, given in zip(layers, (folded(first, colors), *rest), strict=True):
            assert layer.bias is not None
            layer.weight.copy_(torch.from_numpy(given.weight))
            layer.bias.copy_(torch.from_numpy(given.bias))


def _is_ours(path: Path) -> bool:
    """Whether `path` is a folder, or a checkpoint of selfgrasp."""
    if path.is_dir():
        return True
    try:
        return path.suffix == ".safetensors" and bool(read_info(path))
    except InputError:
        return False


def _load_ours(network: GraspNetwork, config: SupersizingConfig, path: Path) -> None:
    info = read_info(path)
    if info.method != "supersizing":
        raise InputError(
            given=f"{path}, a checkpoint of {info.method}", wanted="one of supersizing"
        )
    theirs = configs.from_json(SupersizingConfig, info.config)
    differs = [name for name in _SEEN if getattr(theirs, name) != getattr(config, name)]
    if differs:
        given, wanted = (
            ", ".join(f"{name} = {getattr(source, name)}" for name in differs)
            for source in (theirs, config)
        )
        raise InputError(given=f"{path}, whose trunk has {given}", wanted=wanted)
    tensors, _ = checkpoint.read_tensors(checkpoint.checkpoint_path(path))
    prefix, mine = "network.trunk.", network.trunk.state_dict()
    found = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    if network.drawn and "0.weight" in found:
        # What no trunk without a hand has seen starts as it is.
        found["0.weight"] = torch.cat(
            [
                found["0.weight"].to(mine["0.weight"].dtype),
                mine["0.weight"][:, found["0.weight"].shape[1] :],
            ],
            dim=1,
        )
    if {name: t.shape for name, t in found.items()} != {name: t.shape for name, t in mine.items()}:
        raise InputError(
            given=f"{path}, of version {info.version}, whose trunk has other tensors",
            wanted=", ".join(mine),
        )
    network.trunk.load_state_dict(
        {name: tensor.to(mine[name].dtype) for name, tensor in found.items()}
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    """Name to array of everything in a file of weights."""
    if not path.is_file():
        raise InputError(
            given=f"{path}, which is not a file", wanted=f"a file of weights: {', '.join(SUFFIXES)}"
        )
    if path.suffix not in SUFFIXES:
        raise InputError(given=f"{path}", wanted=f"a file of weights: {', '.join(SUFFIXES)}")
    try:
        return dict(_flat(_content(path)))
    except Exception as error:
        # A stranger's file can fail a reader in every way.
        first = str(error).strip().partition("\n")[0][:200]
        raise InputError(
            given=f"{path} of {path.stat().st_size} bytes ({type(error).__name__}: {first})",
            wanted="a whole file of weights",
        ) from error


def _content(path: Path) -> Any:
    match path.suffix:
        case ".safetensors":
            return load_file(path)
        case ".npz":
            with np.load(path, allow_pickle=False) as file:
                return dict(file)
        case ".npy":
            with path.open("rb") as file:
                return _npy(file)
    content = torch.load(path, map_location="cpu", weights_only=True)
    return content.get("state_dict", content) if isinstance(content, Mapping) else content


def _npy(file: IO[bytes]) -> Any:
    """An array, or the dict that was pickled as one."""
    version = npy.read_magic(file)
    _, _, dtype = (
        npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
    )
    if not dtype.hasobject:
        raise ValueError("one array, not a dict of them")
    # Python 2 wrote these files, and its strings hold the arrays' bytes.
    return _ArraysOnly(file, encoding="latin1").load().item()


class _ArraysOnly(pickle.Unpickler):
    """Rebuilds arrays and builtin containers; whatever else a pickle names, and could run, is
    refused."""

    _ALLOWED = frozenset(
        {
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        modern = re.sub(r"^numpy\.core\.", "numpy._core.", module)
        if (
            not modern.startswith("numpy")
            or (modern.removeprefix("numpy._core."), name) not in self._ALLOWED
        ):
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return super().find_class(modern, name)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays in nested dicts and lists, named by the way to them: {"conv1": [weight, bias]} holds
    conv1.0 and conv1.1."""
    if isinstance(value, torch.Tensor):
        yield name, value.detach().float().numpy()
    elif isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, Mapping | list | tuple):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _flat(inner, f"{name}.{key}" if name else str(key))


def _natural(name: str) -> list[str | int]:
    """For sorting features.3 before features.10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _oikk(weight: NDArray[Any], shape: tuple[int, ...]) -> FloatArray:
    """`weight` as (O, I, K, K) float64; one in another order that has not `shape` either way stays
    as it is."""
    turned = weight.transpose(3, 2, 0, 1)
    return np.ascontiguousarray(turned if turned.shape == shape else weight, dtype=np.float64)


def _bias_of(name: str, size: int, tensors: Mapping[str, NDArray[Any]], path: Path) -> FloatArray:
    """The only vector of `size` whose name differs from `name` in its last part alone (weight and
    bias, W and b, 0 and 1)."""
    found = [
        t for other, t in tensors.items() if _stem(other) == _stem(name) and t.shape == (size,)
    ]
    if len(found) != 1:
        raise InputError(
            given=f"{path} with {len(found)} vectors of {size} beside {name}",
            wanted="one, the bias",
        )
    return np.asarray(found[0], dtype=np.float64)


def _stem(name: str) -> str:
    return re.sub(r"[./_][^./_]*$", "", name)
