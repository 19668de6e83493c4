"""One folder per system; none imports another. `registry` finds them by name."""
