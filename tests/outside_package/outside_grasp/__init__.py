"""A package from outside, as somebody else would write it."""
