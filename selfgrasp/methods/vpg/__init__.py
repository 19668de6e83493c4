"""Pushing and grasping: values of two primitives at every pixel (Zeng et al. 2018)."""
