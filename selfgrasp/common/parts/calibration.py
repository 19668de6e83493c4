"""Whether a policy's scores can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfgrasp.common.parts.part import Part, figure, require


@dataclass(frozen=True)
class Bin(Part):
    """Attempts of about the same predicted probability: its mean, the share that held with its
    95 % interval, and how many they are."""

    predicted: float
    observed: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Calibration(Part):
    """An entry of `calibration`.

    Attributes:
        policy: as rows call it.
        error: the expected calibration error; None where it is not known.
        bins: in order of the predicted probability.
    """

    policy: str
    error: float | None = None
    bins: Sequence[Bin]

    def __post_init__(self) -> None:
        object.__setattr__(self, "bins", tuple(self.bins))

    @staticmethod
    def from_json(entry: Mapping[str, Any]) -> Calibration:
        """From its JSON values.

        Raises:
            InputError: a key that is missing.
        """
        require(entry, "calibration", ("bins",))
        for bin in entry["bins"]:
            require(bin, "bins", ("predicted", "observed"))
        bins = [
            Bin(
                figure(bin["predicted"]),
                figure(bin["observed"]),
                figure(bin.get("low", bin["observed"])),
                figure(bin.get("high", bin["observed"])),
                int(bin.get("n", 1)),
            )
            for bin in entry["bins"]
        ]
        error = entry.get("error")
        return Calibration(
            policy=str(entry.get("policy", "policy")),
            error=None if error is None else figure(error),
            bins=bins,
        )
