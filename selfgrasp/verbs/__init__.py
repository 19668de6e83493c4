"""The verbs of the command line: each file holds a frozen dataclass `Args` and `run(args) -> int`,
with heavy imports inside `run`."""
