"""Embeddings by name, for the `embedding` protocol: a method's weights, or one of the rows that
learn nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from selfgrasp.core import Embedding, InputError, PolicyRef
from selfgrasp.core.policy_ref import PRESET
from selfgrasp.learn import Method
from selfgrasp.methods import registry
from selfgrasp.methods.embeddings.color_histogram import ColorHistogram
from selfgrasp.methods.embeddings.imagenet import ImageNetFeatures
from selfgrasp.rollout.policies import baselines, load_policy, resolve

FEATURES = "features"
"""Name of vectors that come from somebody's file."""
_IMAGENET = "imagenet"
"""Name of what a file of ImageNet weights sees."""
UNTRAINED = "untrained"
"""Name of the networks of `_METHOD` with random weights."""
_METHOD = "grasp2vec"
_FILE = ".npz"
_NAMED: Mapping[str, Callable[[], Embedding]] = {"color_histogram": ColorHistogram}


def resolve_embedding(text: str) -> PolicyRef:
    """The embedding that `text` names.

    Args:
        text: color_histogram; untrained or untrained:PRESET, the networks of grasp2vec with random
            weights; imagenet:FILE, torchvision's resnet50; the path of a file of features (.npz);
            or what `resolve` takes, if it is an embedding.

    Raises:
        InputError: no such embedding; the message lists the known ones.
    """
    name, _, preset = text.partition(PRESET)
    if text in _NAMED:
        return PolicyRef(text)
    if name == UNTRAINED:
        _untrained(preset)
        return PolicyRef(UNTRAINED, preset)
    if name == _IMAGENET:
        return _of_file(_IMAGENET, Path(preset))
    if text.endswith(_FILE):
        return _of_file(FEATURES, Path(text))
    found = resolve(text)
    if found.name in baselines() or not isinstance(load_policy(found), Embedding):
        raise InputError(
            given=f"policy {text!r}, which gives no vectors of scenes and objects",
            wanted="an embedding",
            exists=", ".join(
                [*_NAMED, UNTRAINED, _METHOD, f"runs of {_METHOD}", "imagenet:FILE", "FILE.npz"]
            ),
        )
    return found


def load_embedding(ref: PolicyRef) -> Embedding | None:
    """The embedding, ready to use; None for a file of features, which gives vectors of the attempts
    that it names and of no other pictures.

    Raises:
        InputError: as `load_policy`.
    """
    if ref.name == FEATURES:
        return None
    if ref.name in _NAMED:
        return _NAMED[ref.name]()
    if ref.name == _IMAGENET:
        assert ref.file is not None
        return ImageNetFeatures(ref.file)
    loaded = _untrained(ref.preset) if ref.name == UNTRAINED else load_policy(ref)
    assert isinstance(loaded, Embedding)
    return loaded


def _untrained(preset: str) -> Method:
    return registry.build(f"{_METHOD}{PRESET}{preset or registry.DEFAULT_PRESET}")


def _of_file(name: str, file: Path) -> PolicyRef:
    if not file.is_file():
        raise InputError(given=f"{name} from the file {file}", wanted="a file that is there")
    weights = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    return PolicyRef(name, file=file.absolute(), weights=weights)
