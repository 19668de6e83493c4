"""Semantic grasping (Jang et al. 2017): which of the things in a bin is asked for, and how it can
be held."""
