"""Attempts on the disk: one writer, any number of readers, labels beside the data. Processes that
import this are started with `spawn`, never forked."""

from selfgrasp.common.split import SplitBy, SplitRule
from selfgrasp.dataset.card import card
from selfgrasp.dataset.check import CheckReport, check
from selfgrasp.dataset.export import export_lerobot
from selfgrasp.dataset.labels import attach_csv
from selfgrasp.dataset.merge import merge
from selfgrasp.dataset.nearest import Metric, Neighbours
from selfgrasp.dataset.reader import Dataset
from selfgrasp.dataset.schema import SCHEMA_VERSION
from selfgrasp.dataset.upgrade import upgrade
from selfgrasp.dataset.vector_rows import Vectors
from selfgrasp.dataset.vectors import VectorTable
from selfgrasp.dataset.writer import DatasetWriter

__all__ = [
    "SCHEMA_VERSION",
    "CheckReport",
    "Dataset",
    "DatasetWriter",
    "Metric",
    "Neighbours",
    "SplitBy",
    "SplitRule",
    "VectorTable",
    "Vectors",
    "attach_csv",
    "card",
    "check",
    "export_lerobot",
    "merge",
    "upgrade",
]
