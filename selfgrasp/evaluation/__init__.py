"""Measures policies: a job in, rows with intervals out."""
