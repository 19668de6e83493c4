"""What stands in a run's report.json beside its rows. A part is checked when it is made or read,
not when it is drawn."""

from selfgrasp.common.parts.calibration import Bin, Calibration
from selfgrasp.common.parts.chart import Chart, Line, Point
from selfgrasp.common.parts.pair import Pair
from selfgrasp.common.parts.table import Cell, Table

__all__ = ["Bin", "Calibration", "Cell", "Chart", "Line", "Pair", "Point", "Table"]
