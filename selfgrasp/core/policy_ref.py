"""A policy as it is named on the command line, in jobs and in reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

VARIANT = "+"
"""Between a learned policy and one of its variants: RUN+explore collects the next round's data."""
PRESET = ":"
"""Between a method and one of its presets."""
_SUFFIX = ".safetensors"
_VARIANT = re.compile(r"(?P<policy>.+)\+(?P<variant>[A-Za-z]\w*)")


@dataclass(frozen=True)
class PolicyText:
    """The parts of a policy's name as somebody wrote it. Nothing is looked up.

    A text is a path if it has a slash, begins with a dot or ends in .safetensors. Every other text
    is a name, whatever lies in the working folder. The variant follows the last + of the text; a
    folder whose own name has a + is written with a slash at its end.

    Attributes:
        name: of a baseline or of a method with shipped weights; empty where a path was given.
        preset: of the method; empty where none was given.
        path: of a run's folder or of a checkpoint; None where a name was given.
        variant: what follows the +; empty where nothing does.
    """

    name: str = ""
    preset: str = ""
    path: Path | None = None
    variant: str = ""

    @staticmethod
    def parse(text: str) -> PolicyText:
        """The parts of `text`."""
        found = _VARIANT.fullmatch(text)
        policy, variant = (found["policy"], found["variant"]) if found else (text, "")
        if "/" in policy or policy.startswith(".") or policy.endswith(_SUFFIX):
            return PolicyText(path=Path(policy), variant=variant)
        name, _, preset = policy.partition(PRESET)
        return PolicyText(name, preset, variant=variant)


@dataclass(frozen=True)
class PolicyRef:
    """A policy that exists, found once; it can be sent to other processes and loaded there.

    Attributes:
        name: of the baseline or of the method.
        preset: of the shipped weights, where the method ships those of several.
        file: absolute path of the checkpoint; None for a baseline.
        variant: way to decide with these weights, as "explore4"; empty for the usual one.
        weights: 12 hex digits of the checkpoint's SHA-256; empty for a baseline.
        shipped: whether the weights come with the method's package.
        privileged: what it reads that a real robot cannot sense.
    """

    name: str
    preset: str = ""
    file: Path | None = None
    variant: str = ""
    weights: str = ""
    shipped: bool = False
    privileged: tuple[str, ...] = ()

    @property
    def learned(self) -> bool:
        """Whether it has weights."""
        return self.file is not None

    @property
    def identity(self) -> str:
        """What tells it from other policies, wherever its run lies: method, variant and weights."""
        weights = f"@{self.weights}" if self.weights else ""
        return f"{self.name}{self.suffix}{weights}"

    @property
    def suffix(self) -> str:
        """The + and the variant, or nothing."""
        return f"{VARIANT}{self.variant}" if self.variant else ""

    @property
    def label(self) -> str:
        """How reports call it: a baseline and shipped weights by name, a run by method and
        folder."""
        if self.file is None or self.shipped:
            preset = f"{PRESET}{self.preset}" if self.preset else ""
            return f"{self.name}{preset}{self.suffix}"
        inside = self.file.parent
        if inside.name == "checkpoints":
            place = inside.parent.name
        else:
            place = inside.name if self.file.stem == "best" else self.file.name
        return f"{self.name} ({place}{self.suffix})"


def policy_text(path: Path, variant: str = "") -> str:
    """The text that names the run's folder or the checkpoint at `path`; the inverse of `parse`."""
    text = str(path) if "/" in str(path) else f"./{path}"
    if variant:
        return f"{text}{VARIANT}{variant}"
    return f"{text}/" if PolicyText.parse(text).variant else text
