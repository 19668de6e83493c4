"""Chores that know no robot: processes, files, progress, records, intervals. Standard library,
NumPy and rich."""
