"""The benchmark: one file a protocol; each takes any policy and plays the same scenes with it."""
