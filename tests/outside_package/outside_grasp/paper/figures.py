"""What the paper says; it stands beside our figures in the tables of `selfgrasp bench`."""

from selfgrasp.papers.published import Figure

FIGURES = (Figure("isolated", "success", 0.66, "Table 1", objects="novel"),)
