"""Layers out of a file of torchvision's weights, without torchvision."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from selfgrasp.core.errors import InputError, first_line


def layers_of(
    path: Path,
    known: Mapping[str, torch.Tensor],
    network: str,
    *,
    renamed: Callable[[str], str] = str,
) -> dict[str, torch.Tensor]:
    """The file's tensors of the names and shapes of `known`; other ones are left out.

    Args:
        path: .safetensors, or .pt and .pth of a state dict, of which tensors alone are let through.
        known: what is wanted.
        network: torchvision's name of what the file has to hold.
        renamed: from names in the file to those of `known`.

    Raises:
        InputError: no such file, an unreadable one, or one without these layers.
    """
    try:
        found = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        named = {renamed(name): value for name, value in found.items()}
    # A stranger's file can fail a reader in many ways.
    except (
        *(OSError, SafetensorError, RuntimeError, ValueError, EOFError),
        *(KeyError, TypeError, AttributeError, ImportError, pickle.UnpicklingError),
    ) as error:
        # PyTorch's own message advises to run whatever code the file has in it.
        unpickled = isinstance(error, pickle.UnpicklingError)
        raise InputError(
            given=f"{path}: {'not tensors alone' if unpickled else first_line(error)}",
            wanted=f"a file of torchvision's {network} that can be read",
        ) from error
    wanted = {name: tuple(value.shape) for name, value in known.items()}
    lacking = [
        name for name in wanted if tuple(getattr(named.get(name), "shape", (-1,))) != wanted[name]
    ]
    if lacking:
        raise InputError(
            given=f"{path}, which lacks {len(lacking)} of {len(wanted)} layers, {lacking[0]} first",
            wanted=f"torchvision's {network}",
        )
    return {name: named[name] for name in wanted}
