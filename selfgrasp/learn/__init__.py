"""Shared training tools that know no paper: examples, one loop, checkpoints, search, small
networks. Imports core, common and dataset only."""

from selfgrasp.common.split import SPLITS, Split
from selfgrasp.learn.checkpoint import (
    CheckpointInfo,
    Storage,
    load_into,
    load_parts,
    read_info,
    save,
)
from selfgrasp.learn.examples import Examples
from selfgrasp.learn.fit import FitResult, NotFinite, fit
from selfgrasp.learn.method import Batch, Loss, Method, evaluating
from selfgrasp.learn.order import Groups
from selfgrasp.learn.recipe import FitConfig, Keep, Optimizer, Precision, Schedule
from selfgrasp.learn.run import Ended
from selfgrasp.learn.source import (
    DataIdentity,
    DatasetSource,
    DeclaredSource,
    MemorySource,
    Source,
)

__all__ = [
    "SPLITS",
    "Batch",
    "CheckpointInfo",
    "DataIdentity",
    "DatasetSource",
    "DeclaredSource",
    "Ended",
    "Examples",
    "FitConfig",
    "FitResult",
    "Groups",
    "Keep",
    "Loss",
    "MemorySource",
    "Method",
    "NotFinite",
    "Optimizer",
    "Precision",
    "Schedule",
    "Source",
    "Split",
    "Storage",
    "evaluating",
    "fit",
    "load_into",
    "load_parts",
    "read_info",
    "save",
]
