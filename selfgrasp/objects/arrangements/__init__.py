"""Arrangements: blocks packed side by side, from files or from a generator, each with its place."""

from selfgrasp.objects.arrangements.arrangement import Arrangement, Standing, unsettled
from selfgrasp.objects.arrangements.packing import random_packing
from selfgrasp.objects.arrangements.read import own_cases, read_cases

__all__ = [
    "Arrangement",
    "Standing",
    "own_cases",
    "random_packing",
    "read_cases",
    "unsettled",
]
