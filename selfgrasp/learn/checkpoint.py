"""Checkpoints: weights as safetensors with what is needed to rebuild the method, and the state a
run resumes from. No pickle anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

import selfgrasp
from selfgrasp.common.files import atomic_write
from selfgrasp.common.untrusted import parse_json
from selfgrasp.core import InputError
from selfgrasp.core.errors import first_line
from selfgrasp.learn import configs
from selfgrasp.learn.method import Method

_KEY = "selfgrasp"
MOST_WEIGHT = 1e18
"""Weights are smaller: products of two of them are finite."""

_TYPES = {
    "method": str,
    "version": int,
    "config": dict,
    "data": str,
    "selfgrasp": str,
    "metrics": dict,
}


class Storage(Enum):
    """How weights are stored; half precision is for shipping."""

    FLOAT32 = torch.float32
    FLOAT16 = torch.float16


class Build(Protocol):
    """Makes an untrained method from its name and its config as JSON values;
    `selfgrasp.methods.registry.from_config` is one."""

    def __call__(self, name: str, config: Mapping[str, Any], /) -> Method:
        """The method."""
        ...


@dataclass(frozen=True)
class CheckpointInfo:
    """What a checkpoint says of itself.

    Attributes:
        method: name in the registry.
        version: of the method.
        config: of the method, as JSON values.
        data: fingerprint of the training data.
        selfgrasp: version of the package that wrote it.
        metrics: on the validation split.
    """

    method: str
    version: int
    config: Mapping[str, Any]
    data: str = ""
    selfgrasp: str = selfgrasp.__version__
    metrics: Mapping[str, float] = field(default_factory=dict)


def save(
    path: Path,
    method: Method,
    *,
    data: str = "",
    metrics: Mapping[str, float] | None = None,
    storage: Storage = Storage.FLOAT32,
) -> CheckpointInfo:
    """Write weights and `CheckpointInfo` to one file, whole or not at all."""
    info = CheckpointInfo(
        method.name,
        method.version,
        configs.to_json(method.config),
        data,
        metrics=dict(metrics or {}),
    )
    tensors = {
        name: (t.to(storage.value) if t.is_floating_point() else t)
        for name, t in method.state_dict().items()
    }
    write_tensors(path, tensors, {f: getattr(info, f) for f in info.__dataclass_fields__})
    return info


def read_info(path: Path) -> CheckpointInfo:
    """What the checkpoint at `path` (a file or a run's folder) says of itself.

    Raises:
        InputError: no such file, or not a checkpoint.
    """
    _, facts = read_tensors(checkpoint_path(path), tensors=False)
    return _info(path, facts)


def load(path: Path, build: Build) -> Method:
    """The method stored at `path` (a file or a run's folder), ready to plan, on the CPU.

    Raises:
        InputError: no such file, a truncated file, not a checkpoint, an unknown method, one of
            another version or shape, or weights that are not finite.
    """
    file = checkpoint_path(path)
    tensors, facts = read_tensors(file)
    info = _info(file, facts)
    try:
        method = build(info.method, info.config)
    except (TypeError, ValueError, RuntimeError, ArithmeticError, LookupError) as error:
        raise InputError(
            given=f"{file}, whose config makes no {info.method}: {first_line(error)}",
            wanted="a config that selfgrasp wrote",
        ) from error
    _restore(method, info, tensors, file)
    return method.eval()


def load_into(path: Path, method: Method) -> CheckpointInfo:
    """Copy the weights stored at `path` into `method`, as staged learning does to go on from the
    round before.

    Raises:
        InputError: as `load`, or a checkpoint of another method.
    """
    file = checkpoint_path(path)
    tensors, facts = read_tensors(file)
    info = _info(file, facts)
    _restore(method, info, tensors, file)
    return info


def load_parts(path: Path, method: Method, parts: Sequence[str]) -> CheckpointInfo:
    """Copy the modules of these names into `method`, from a checkpoint of whatever method has such.

    Raises:
        InputError: as `load`, or parts that are not there or of other sizes.
    """
    file = checkpoint_path(path)
    tensors, facts = read_tensors(file)
    found = {name: tensor for name, tensor in tensors.items() if name.split(".")[0] in parts}
    wanted = {
        name: tensor for name, tensor in method.state_dict().items() if name.split(".")[0] in parts
    }
    if wanted.keys() != found.keys() or not all(
        _fits(found[name], wanted[name]) for name in wanted
    ):
        raise InputError(
            given=f"{path}, a checkpoint of {facts.get('method')}",
            wanted=f"one with the {' and the '.join(parts)} of {method.name}, of the same sizes",
        )
    require_finite(found, file)
    method.load_state_dict(
        {name: t.to(wanted[name].dtype) for name, t in found.items()}, strict=False
    )
    return _info(file, facts)


def checkpoint_path(path: Path) -> Path:
    """The file meant by `path`: itself, or the best checkpoint of a run's folder.

    Raises:
        InputError: neither exists.
    """
    for file in (path, path / "best.safetensors", path / "checkpoints" / "best.safetensors"):
        if file.is_file():
            return file
    exists = (
        ", ".join(sorted(p.name for p in (path if path.is_dir() else path.parent).glob("*"))[:10])
        or "nothing"
    )
    raise InputError(
        given=f"{path}",
        wanted="a checkpoint, or a run's folder with checkpoints/best.safetensors",
        exists=f"beside it: {exists}",
    )


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]
) -> None:
    """Tensors and JSON values in one safetensors file, whole or not at all."""
    with atomic_write(path) as partial:
        save_file(
            {name: t.detach().cpu().contiguous() for name, t in tensors.items()},
            partial,
            metadata={_KEY: json.dumps(facts)},
        )


def read_tensors(
    path: Path, *, tensors: bool = True
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors, or none of them, and JSON values of a file of `write_tensors`.

    Raises:
        InputError: no file, truncated, or not written by `write_tensors`.
    """
    if not path.is_file():
        raise InputError(given=f"{path}, where no file is", wanted="a whole safetensors file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            found = {name: file.get_tensor(name) for name in (file.keys() if tensors else ())}
    except (SafetensorError, OSError) as error:
        raise InputError(
            given=f"{path} of {path.stat().st_size} bytes ({error})",
            wanted="a whole safetensors file",
        ) from error
    if _KEY not in metadata:
        raise InputError(
            given=f"{path}, safetensors without selfgrasp's description",
            wanted="a checkpoint written by selfgrasp",
        )
    facts = parse_json(metadata[_KEY], name=f"the description in {path}", nonfinite=True)
    if not isinstance(facts, dict):
        raise InputError(
            given=f"{path}, whose description is {facts!r:.40}",
            wanted="a checkpoint written by selfgrasp",
        )
    return found, facts


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as flat tensors, `index.name`; the inverse is `load_optimizer`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, slots in state.items()
        for name, value in slots.items()
        if value is not None
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put the state of `optimizer_tensors` back.

    Raises:
        InputError: a tensor of no parameter, of another size than its parameter, or not finite.
    """
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        number = int(index) if index.isdecimal() else len(parameters)
        shapes = [parameters[number].shape, ()] if number < len(parameters) else []
        if tuple(tensor.shape) not in map(tuple, shapes) or not torch.isfinite(tensor).all():
            raise InputError(
                given=f"an optimiser's tensor {key!r:.60} of shape {tuple(tensor.shape)}",
                wanted="finite ones of the parameters' sizes",
            )
        state.setdefault(number, {})[name] = tensor
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def _info(path: Path, facts: Mapping[str, Any]) -> CheckpointInfo:
    if not {"method", "version", "config"} <= set(facts):
        raise InputError(
            given=f"{path}, the state of an unfinished run",
            wanted="a checkpoint",
            exists="best.safetensors, where the run got that far",
        )
    info = CheckpointInfo(
        **{name: facts[name] for name in CheckpointInfo.__dataclass_fields__ if name in facts}
    )
    for name, kind in _TYPES.items():
        if type(getattr(info, name)) is not kind:
            raise InputError(
                given=f"{path}, whose {name} is {getattr(info, name)!r:.40}",
                wanted=f"{kind.__name__}, as selfgrasp writes",
            )
    if not all(type(value) in (int, float) for value in info.metrics.values()):
        raise InputError(given=f"{path} with metrics {info.metrics!r:.60}", wanted="numbers")
    return info


def _restore(
    method: Method, info: CheckpointInfo, tensors: Mapping[str, torch.Tensor], path: Path
) -> None:
    if (info.method, info.version) != (method.name, method.version):
        raise InputError(
            given=f"{path}, a checkpoint of {info.method} version {info.version}",
            wanted=f"{method.name} version {method.version}",
        )
    load_weights(method, tensors, path)


def load_weights(method: Method, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Copy weights of the file at `path` into `method`.

    Raises:
        InputError: not the tensors that it has, some of another shape or kind of number, or weights
            that are not finite.
    """
    wanted = method.state_dict()
    wrong = [
        name
        for name in wanted.keys() | tensors.keys()
        if name not in wanted or name not in tensors or not _fits(tensors[name], wanted[name])
    ]
    if wrong:
        names = ", ".join(sorted(wrong)[:3])
        raise InputError(
            given=f"{path}, in which {len(wrong)} tensors differ ({names} ...)",
            wanted=f"the tensors of {method.name} with the config that it names",
        )
    require_finite(tensors, path)
    method.load_state_dict({name: t.to(wanted[name].dtype) for name, t in tensors.items()})


def _fits(tensor: torch.Tensor, wanted: torch.Tensor) -> bool:
    """Whether it is of that shape, and of floating point where that is and of that type elsewhere:
    weights may be shipped in half precision."""
    floating = tensor.is_floating_point() and wanted.is_floating_point()
    return tensor.shape == wanted.shape and (floating or tensor.dtype == wanted.dtype)


def require_finite(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Refuse weights of the file at `path` that are not finite, or not below
    `MOST_WEIGHT`.

    Raises:
        InputError: some are; the message names them.
    """
    if broken := [name for name, tensor in tensors.items() if not _is_usable(tensor)]:
        raise InputError(
            given=f"{path}, in which {len(broken)} tensors are not finite "
            f"({', '.join(broken[:3])})",
            wanted="weights",
        )


def _is_usable(tensor: torch.Tensor) -> bool:
    if not tensor.is_floating_point():
        return not tensor.is_complex()
    return bool((tensor.abs() < MOST_WEIGHT).all())
