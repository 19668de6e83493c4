"""selfgrasp: a robot that teaches itself to grasp."""

__version__ = "0.1.0"
