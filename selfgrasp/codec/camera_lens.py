"""The lens that a camera file describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selfgrasp.codec.camera_tree import data_of, first_of, number_of, numbers
from selfgrasp.core.errors import InputError
from selfgrasp.core.lens import Lens, LensModel

_LENS = ("d", "coeffs", "dist", "d1", "kc")
_NO_COEFFICIENTS = ("undistort", "model", "type", "name", "cent", "error", "rms", "correct")
"""Parts of keys that hold no coefficients, though they are of the distortion."""
_INNER = ("coefficients", "coeffs", "coeff", "parameters", "params", "values", "d", "k")
_MODEL = ("distortionmodel", "distortiontype", "lensmodel", "model", "cameramodel", "type", "name")
_NO_LENS = ("none", "undistorted", "norectification", "nodistortion", "distortionnone")
_BY_NUMBER = ("none", "brown", "inversebrown", "ftheta", "brown", "kannala")
"""RealSense's enumeration of lens models."""
_FISHEYE = ("fisheye", "equidistant", "kannala", "kb4")
_POLYNOMIAL = (
    "plumb",
    "radtan",
    "brown",
    "rational",
    "poly",
    "radial",
    "thinprism",
    "pinhole",
    "opencv",
)


def lens_of(where: str, near: Sequence[Mapping[str, Any]]) -> Lens | None:
    """The lens of a camera, None where there is none or it does not bend.

    Args:
        where: the camera's place in its file, for messages.
        near: the mappings around its matrix, the nearest first.

    Raises:
        InputError: a model or coefficients that are not known.
    """
    found = _distortion(near)
    own = where.rsplit("/", 1)[-1]
    if isinstance(found, Mapping) and own in found:
        found = data_of(found[own])
    levels = [found, *near] if isinstance(found, Mapping) else near
    name = _model_name(near, found)
    fisheye = any(word in name for word in _FISHEYE)
    fisheye = fisheye or number_of(first_of(near, ("fisheyemodel", "fisheye"))) == 1
    d = _coefficients(found, levels, where, fisheye)
    if name in _NO_LENS:
        return None
    while len(d) > (4 if fisheye else 5) and d[-1] == 0:
        d.pop()
    if not np.isfinite(d).all():
        raise InputError(given=f"lens coefficients {d}", wanted="finite numbers")
    if fisheye and len(d) <= 4 and "prism" not in name:
        # Without coefficients, too, the angle and not its tangent is what such a lens draws.
        return Lens(LensModel.FISHEYE, (*d, *(0.0,) * (4 - len(d))))
    if not any(d):
        return None
    sizes = [size for size in (4, 5, 8, 12, 14) if size >= len(d)]
    if fisheye or not sizes or not (not name or any(word in name for word in _POLYNOMIAL)):
        raise InputError(
            given=f"lens model {name or 'without a name'!r} with {len(d)} coefficients"
            + (f" of {where}" if where else ""),
            wanted="plumb_bob, radtan, rational_polynomial, thin prism, brown_conrady, fisheye, "
            "equidistant or kannala_brandt4; or pictures that are rectified, said by "
            "--pictures rectified",
        )
    full = tuple(d) + (0.0,) * (sizes[0] - len(d))
    model = LensModel.INVERSE if "inverse" in name else LensModel.POLYNOMIAL
    return Lens(model, full)


def _distortion(near: Sequence[Mapping[str, Any]]) -> Any:
    """What stands under the first key that names a distortion."""
    for level in near:
        radial = numbers(first_of([level], ("radialdistortion", "radial")))
        if radial is not None:
            # MATLAB keeps apart what OpenCV mixes: k1, k2, p1, p2, k3.
            tangential = numbers(first_of([level], ("tangentialdistortion", "tangential")))
            return [*radial, 0.0, 0.0][:2] + (tangential or [0.0, 0.0]) + radial[2:]
        for key, value in level.items():
            if value is None or isinstance(value, bool):
                continue
            if _is_lens_key(key) or (key == "lens" and _holds_coefficients(value)):
                return data_of(value)
    return None


def _is_lens_key(key: str) -> bool:
    if any(part in key for part in _NO_COEFFICIENTS):
        return False
    return key in _LENS or "distort" in key or "distcoef" in key


def _holds_coefficients(value: Any) -> bool:
    return isinstance(value, Mapping) and any(key in value for key in ("k1", *_INNER))


def _is_content(value: Any) -> bool:
    return not isinstance(value, bool | str) and value not in (None, 0, [], {})


def _model_name(near: Sequence[Mapping[str, Any]], found: Any) -> str:
    """Letters of the lens model; where there are several words for it, the one for the lens."""
    inner = [found] if isinstance(found, Mapping) else []
    for level in (*inner, *near):
        for key in _MODEL if level is found else _MODEL[:-1]:
            value = level.get(key)
            if isinstance(value, int) and not isinstance(value, bool) and key == "model":
                return _BY_NUMBER[value] if 0 <= value < len(_BY_NUMBER) else str(value)
            if isinstance(value, str):
                name = "".join(letter for letter in value.lower() if letter.isalnum())
                if name and not (name == "pinhole" and key == "cameramodel"):
                    return name
    return ""


def _coefficients(
    found: Any, levels: Sequence[Mapping[str, Any]], where: str, fisheye: bool
) -> list[float]:
    """In OpenCV's order; empty where none are written.

    Raises:
        InputError: something under a distortion's key that is none of the known.
    """
    listed = data_of(first_of([found], _INNER)) if isinstance(found, Mapping) else found
    flat = numbers(listed)
    if flat is not None:
        return flat
    order = "k1 k2 k3 k4" if fisheye else "k1 k2 p1 p2 k3 k4 k5 k6"
    values = [number_of(first_of(levels, (key,))) for key in order.split()]
    if any(value is not None for value in values):
        return [value or 0.0 for value in values]
    if isinstance(found, Mapping) and any(_is_content(value) for value in found.values()):
        raise InputError(
            given=f"a distortion{f' of {where}' if where else ''} that says {', '.join(found)}",
            wanted="k1, k2, p1, p2, k3 or a list of coefficients",
        )
    return []
