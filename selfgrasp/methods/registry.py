"""Methods and baselines by name. Nothing is imported before it is asked for.

A method is a folder here, or a package named by an entry point of the group `selfgrasp.methods`.
Its module `config` holds the presets, functions without arguments that return the config, and its
module `method` the class, as `METHOD`. Its shipped weights lie beside them: NAME.safetensors, and
NAME-PRESET.safetensors for those of other presets.

A baseline is a file in `baselines` that does not begin with an underscore, or a module named by an
entry point of the group `selfgrasp.baselines`; its class is `POLICY` and takes no arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import torch

from selfgrasp.common.outside import (
    BASELINES,
    METHODS,
    folders_of,
    member_of,
    module_of,
    refused,
    with_outside,
)
from selfgrasp.core import InputError
from selfgrasp.core.errors import unknown_name
from selfgrasp.learn import checkpoint
from selfgrasp.learn.configs import from_json
from selfgrasp.learn.method import Method

DEFAULT_PRESET = "small"
_WANTED = "a folder with config.py and method.py, METHOD in it (docs/adding_a_method.md)"
_WANTED_METHOD = "a class with gather, batch, loss and plan"
_WANTED_BASELINE = "a module with a class POLICY, which takes no arguments and has name and plan"


def methods() -> dict[str, str]:
    """Name to dotted package of every method: the folders beside this file that hold a `method.py`,
    and entry points."""
    found = {
        p.parent.name: f"{__package__}.{p.parent.name}"
        for p in sorted(Path(__file__).parent.glob("*/method.py"))
    }
    return with_outside(METHODS, found)


def baselines() -> dict[str, str]:
    """Name to module of every baseline: the files in `baselines`, and entry points."""
    found = {
        p.stem: f"{__package__}.baselines.{p.stem}"
        for p in sorted(Path(__file__).parent.glob("baselines/[!_]*.py"))
    }
    return with_outside(BASELINES, found)


def baseline_class(name: str) -> type[Any]:
    """The class of the baseline `name`.

    Raises:
        InputError: no such baseline, or an entry point that leads to something else.
    """
    known = baselines()
    if name not in known:
        raise unknown_name("baseline", name, known)
    kind: type[Any] = member_of(BASELINES, name, known[name], "POLICY", wanted=_WANTED_BASELINE)
    return kind


def weights(name: str, preset: str = "") -> Path | None:
    """The file of weights that method `name` ships, of its default preset or of `preset`; None if
    there is no such method, preset or file."""
    package = methods().get(name)
    for folder in folders_of(METHODS, name, package) if package else ():
        file = folder / f"{name}{f'-{preset}' if preset else ''}.safetensors"
        if file.is_file() and (not preset or preset in presets(name)):
            return file.absolute()
    return None


def shipped() -> tuple[str, ...]:
    """Methods whose weights come with their package."""
    return tuple(name for name in sorted(methods()) if weights(name) is not None)


def presets(name: str) -> dict[str, Callable[[], Any]]:
    """Preset name to function, of method `name`: the mapping `PRESETS` of its module `config`, or
    that module's public functions without arguments.

    Raises:
        InputError: no such method.
    """
    module = _module(name, "config")
    if (named := getattr(module, "PRESETS", None)) is not None:
        return dict(named)
    functions = {
        k: v
        for k, v in vars(module).items()
        if inspect.isfunction(v) and v.__module__ == module.__name__ and not k.startswith("_")
    }
    return {k: v for k, v in functions.items() if not inspect.signature(v).parameters}


def method_class(name: str) -> type[Method]:
    """The class of method `name`.

    Raises:
        InputError: no such method, or an entry point that leads to something else.
    """
    place = f"{_place(name)}.method"
    kind: type[Method] = member_of(METHODS, name, place, "METHOD", wanted=_WANTED)
    if not (inspect.isclass(kind) and issubclass(kind, Method)):
        raise refused(METHODS, name, "METHOD is no subclass of Method", wanted=_WANTED)
    if kind.__abstractmethods__:
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise refused(METHODS, name, f"{kind.__name__} lacks {missing}", wanted=_WANTED_METHOD)
    if (held := getattr(kind, "name", None)) != name:
        raise refused(
            METHODS, name, f"it holds a method named {held!r}", wanted=f'name = "{name}", the same'
        )
    return kind


def config_of(name: str) -> Any:
    """The config meant by "method" or "method:preset"; without a preset, `small`.

    Raises:
        InputError: no such method, or no such preset.
    """
    method, _, preset = name.partition(":")
    known = presets(method)
    if (preset or DEFAULT_PRESET) not in known:
        raise unknown_name(f"preset of {method}", preset or DEFAULT_PRESET, known)
    return known[preset or DEFAULT_PRESET]()


def build(name: str, *, config: Any = None, seed: int = 0) -> Method:
    """An untrained method: "supersizing", "supersizing:paper", or a name with a config of its own.

    Args:
        name: method, or method:preset.
        config: replaces the preset's.
        seed: of the initial weights; torch's global generator is left as it was.

    Raises:
        InputError: no such method or preset, or a config of another method.
    """

    kind = method_class(name.partition(":")[0])
    chosen = config_of(name) if config is None else config
    wanted = type(config_of(name))
    if not isinstance(chosen, wanted):
        raise InputError(
            given=f"a config of type {type(chosen).__name__} for {name}", wanted=wanted.__name__
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(chosen)


def from_config(name: str, config: Mapping[str, Any], /) -> Method:
    """An untrained method from its config as JSON values.

    Raises:
        InputError: no such method, or a config that is not this method's.
    """

    kind = type(config_of(name))
    if not is_dataclass(kind):
        raise InputError(given=f"{name}'s preset of type {kind.__name__}", wanted="a dataclass")
    return build(name, config=from_json(kind, config))


def load(path: Path | str) -> Method:
    """The trained method stored in a checkpoint or in a run's folder.

    Raises:
        InputError: see `selfgrasp.learn.checkpoint.load`.
    """

    return checkpoint.load(Path(path), from_config)


def _module(name: str, part: str) -> Any:
    return module_of(METHODS, name, f"{_place(name)}.{part}", wanted=_WANTED)


def _place(name: str) -> str:
    known = methods()
    if name not in known:
        raise unknown_name("method", name, known)
    return known[name]
