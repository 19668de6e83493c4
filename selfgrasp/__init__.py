"""selfgrasp: a robot that teaches itself to grasp."""

import os

# Read when PyTorch is loaded. Its threads wait for each other by spinning, 300,000 times by
# default: on cores that something else keeps busy they hold up the very thread that they wait for,
# and a decision of 50 ms takes two seconds. With so many it takes 0.2, and as long as before on
# idle cores.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")

__version__ = "0.1.0"
