"""Datasets for other programs."""

from selfgrasp.dataset.export.lerobot import export_lerobot

__all__ = ["export_lerobot"]
