"""Frozen config dataclasses to plain JSON values and back: checkpoints carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from selfgrasp.core import InputError

ConfigT = TypeVar("ConfigT")


def to_json(config: object) -> dict[str, object]:
    """A dataclass of numbers, strings, enums, tuples, None and other such dataclasses as plain JSON
    values.

    Raises:
        InputError: a value of another kind.
    """
    if not is_dataclass(config) or isinstance(config, type):
        raise InputError(
            given=f"a config of type {type(config).__name__}", wanted="an instance of a dataclass"
        )
    return {f.name: _plain(getattr(config, f.name)) for f in fields(config)}


def from_json(kind: type[ConfigT], data: Mapping[str, Any]) -> ConfigT:
    """The inverse of `to_json`. Fields that `data` lacks take their defaults.

    A class whose fields have changed defines a static method `upgraded`, which maps the JSON values
    of earlier versions to those of this one, and leaves those of this one as they are.

    Raises:
        InputError: a field that `kind` does not have, or a value that does not fit its field.
    """
    if (upgraded := getattr(kind, "upgraded", None)) is not None:
        try:
            data = upgraded(data)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                given=f"{kind.__name__} of an earlier version with wrong values ({error!r})",
                wanted="the values that selfgrasp wrote",
            ) from error
    hints = get_type_hints(kind)
    names = [f.name for f in fields(cast(Any, kind))]
    unknown = set(data) - set(names)
    if unknown:
        raise InputError(
            given=f"{kind.__name__} field {', '.join(sorted(unknown))}",
            wanted="known fields",
            exists=", ".join(names),
        )
    return kind(
        **{
            name: _typed(hints[name], value, f"{kind.__name__}.{name}")
            for name, value in data.items()
        }
    )


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return to_json(value)
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InputError(
        given=f"a config value of type {type(value).__name__}",
        wanted="a number, string, enum, tuple, dataclass or None",
    )


def _typed(hint: Any, value: Any, name: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        if value is None and NoneType in args:
            return None
        return _typed(next(a for a in args if a is not NoneType), value, name)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(given=f"{name} = {value!r}", wanted=str(hint))
        kinds = args if len(args) != 2 or args[1] is not Ellipsis else (args[0],) * len(value)
        if len(kinds) != len(value):
            raise InputError(given=f"{name} = {value!r}", wanted=str(hint))
        return tuple(_typed(kind, v, name) for kind, v in zip(kinds, value, strict=True))
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            raise InputError(
                given=f"{name} = {value!r}",
                wanted="one of its values",
                exists=", ".join(str(m.value) for m in hint),
            ) from None
    if is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise InputError(given=f"{name} = {value!r}", wanted=f"the fields of {hint}")
        return from_json(cast(type, hint), value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and (
        not isinstance(value, hint) or (hint is not bool and isinstance(value, bool))
    ):
        raise InputError(given=f"{name} = {value!r}", wanted=hint.__name__)
    return value
