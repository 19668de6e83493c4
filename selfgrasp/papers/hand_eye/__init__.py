"""Hand-eye coordination from nothing: random motions, rounds of servoing and learning, and the rows
of `deplete`."""
