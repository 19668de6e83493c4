"""Reads files that strangers wrote: regular files only, of bounded size, depth and number of
values. Whatever is wrong with one is an `InputError`."""

from __future__ import annotations

import io
import json
import math
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from selfgrasp.core.errors import InputError, first_line

MOST_TEXT_BYTES = 64 * 2**20
MOST_YAML_BYTES = 2**18
MOST_ARRAY_BYTES = 2**29
_PIECE = 2**20
MOST_DEPTH = 64
MOST_VALUES = 2_000_000
MOST_DIGITS = 40
_LONG_INTEGER = "integer string conversion"
"""In Python's message about one of more digits than it reads."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_bytes(path: Path, *, most_bytes: int = MOST_ARRAY_BYTES) -> bytes:
    """All bytes of a regular file; a link to one is followed, a pipe or a device is not waited for.

    Raises:
        InputError: no such file, no regular file, one that cannot be read, or one of more than
            `most_bytes`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
                raise InputError(given=f"{path}, {kind}", wanted="a regular file")
            # In pieces: a read makes room for as many bytes as it is asked for.
            pieces = bytearray()
            while len(pieces) <= most_bytes and (piece := stream.read(_PIECE)):
                pieces += piece
            data = bytes(pieces)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else first_line(error)
        raise InputError(
            given=f"{path}: {said}", wanted="a file that can be read", exists=_beside(path)
        ) from error
    if len(data) > most_bytes:
        raise InputError(
            given=f"{path} of more than {most_bytes / 2**20:g} MB",
            wanted=f"at most {most_bytes / 2**20:g} MB",
        )
    return data


def _beside(path: Path) -> str:
    try:
        return ", ".join(sorted(child.name for child in path.parent.iterdir())[:12])
    except (OSError, ValueError):
        return f"no folder {path.parent}"


def read_text(path: Path, *, most_bytes: int = MOST_TEXT_BYTES) -> str:
    """The text of a file in UTF-8, or in what its byte-order mark says.

    Raises:
        InputError: as `read_bytes`; or bytes that are no such text.
    """
    data = read_bytes(path, most_bytes=most_bytes)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(given=f"{path}: {error}", wanted="text in UTF-8") from error


def read_json(
    path: Path,
    *,
    most_bytes: int = MOST_TEXT_BYTES,
    most_values: int = MOST_VALUES,
    nonfinite: bool = False,
) -> Any:
    """What a JSON file holds; see `parse_json`.

    Raises:
        InputError: as `read_text` and `parse_json`.
    """
    text = read_text(path, most_bytes=most_bytes)
    return parse_json(text, name=str(path), most_values=most_values, nonfinite=nonfinite)


def parse_json(
    text: str | bytes,
    *,
    name: str = "JSON",
    most_values: int = MOST_VALUES,
    nonfinite: bool = False,
) -> Any:
    """What a JSON text says.

    Args:
        text: in UTF-8 where it is bytes.
        name: of the text in messages, as its file's path.
        most_values: that it may hold.
        nonfinite: whether NaN and infinity may stand in it.

    Raises:
        InputError: malformed, more than `MOST_DEPTH` levels deep, of more values or digits than
            allowed, or with numbers that are not finite.
    """
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        # Counted before anything is built: a value of two characters takes 64 bytes as an object.
        if _commas(text) > most_values and _commas(_STRING.sub('""', text)) > most_values:
            raise _too_much(name, most_values)
        found = json.loads(text)
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError as error:
        if _LONG_INTEGER in str(error):
            raise _too_long_a_number(name) from error
        raise InputError(
            given=f"{name}, malformed JSON: {first_line(error)}", wanted="well-formed JSON"
        ) from error
    check_values(found, name=name, most_values=most_values, nonfinite=nonfinite)
    return found


def _commas(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


class _Loader(yaml.SafeLoader):
    """Also reads 1e-05, which Python and C write, as a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)


def parse_yaml(
    text: str, *, name: str = "YAML", most_values: int = MOST_VALUES, nonfinite: bool = False
) -> list[Any]:
    """The documents of a YAML text; empty ones, as behind a last `---`, are left out.

    Args:
        text: at most `MOST_YAML_BYTES` characters.
        name: of the text in messages, as its file's path.
        most_values: that it may hold, an alias counted as what it stands for.
        nonfinite: whether NaN and infinity may stand in it.

    Raises:
        InputError: malformed, too long, more than `MOST_DEPTH` levels deep, of more values or
            digits than allowed, or with numbers that are not finite.
    """
    if len(text) > MOST_YAML_BYTES:
        raise InputError(
            given=f"{name} of {len(text)} characters",
            wanted=f"YAML of at most {MOST_YAML_BYTES} characters",
        )
    try:
        documents = [one for one in yaml.load_all(text, _Loader) if one is not None]
    except RecursionError:
        raise _too_deep(name) from None
    except (ValueError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        if _LONG_INTEGER in str(error):
            raise _too_long_a_number(name) from error
        said = " ".join(str(error).split())[:200]
        raise InputError(
            given=f"{name}, malformed YAML: {said}", wanted="well-formed YAML"
        ) from error
    check_values(documents, name=name, most_values=most_values, nonfinite=nonfinite)
    return documents


def check_values(values: Any, *, name: str, most_values: int, nonfinite: bool) -> None:
    """Refuse parsed values that are too deep (as those that hold themselves), too many, of numbers
    too long, or not finite.

    Raises:
        InputError: the first such value.
    """
    level, count = [values], 1
    for _ in range(MOST_DEPTH + 1):
        following: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                following.extend(value.values())
                count += len(value)
            elif isinstance(value, (list, tuple, set)):
                following.extend(value)
                count += len(value)
            elif isinstance(value, (int, float)):
                _check_number(value, name, nonfinite)
            if count > most_values:
                raise _too_much(name, most_values)
        if not following:
            return
        level = following
    raise _too_deep(name)


def _check_number(value: float, name: str, nonfinite: bool) -> None:
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        raise _too_long_a_number(name)
    if not nonfinite and isinstance(value, float) and not math.isfinite(value):
        raise InputError(given=f"{name} with the number {value}", wanted="finite numbers")


def _too_long_a_number(name: str) -> InputError:
    return InputError(
        given=f"{name} with a number of more than {MOST_DIGITS} digits",
        wanted="numbers that a computer's can hold",
    )


def _too_deep(name: str) -> InputError:
    return InputError(
        given=f"{name}, lists in lists more than {MOST_DEPTH} deep or in themselves",
        wanted=f"at most {MOST_DEPTH} levels",
    )


def _too_much(name: str, most_values: int) -> InputError:
    return InputError(
        given=f"{name} of more than {most_values} values", wanted=f"at most {most_values}"
    )


def read_array(path: Path, *, most_bytes: int = MOST_ARRAY_BYTES) -> NDArray[Any]:
    """The array of a .npy file, of numbers or text; its header is believed where it agrees with
    the file's size.

    Raises:
        InputError: as `read_bytes`; no such array, or one of objects, which would be unpickled.
    """
    data = read_bytes(path, most_bytes=most_bytes)
    wanted = "a NumPy array of numbers (.npy)"
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = header(stream)
    # A header is a line of Python, and raises what its parsers stumble over.
    except Exception as error:
        raise InputError(given=f"{path}: {first_line(error)}", wanted=wanted) from error
    if dtype.hasobject:
        raise InputError(given=f"{path}, an array of Python objects", wanted=wanted)
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=1) < 0 or size != len(data) - stream.tell():
        raise InputError(
            given=f"{path}, whose header says shape {shape} and dtype {dtype}, with "
            f"{len(data) - stream.tell()} bytes of numbers",
            wanted=f"{size} bytes, as its header says",
        )
    flat = np.frombuffer(data, dtype, count=math.prod(shape), offset=stream.tell())
    return flat.reshape(shape, order="F" if fortran else "C").copy()
