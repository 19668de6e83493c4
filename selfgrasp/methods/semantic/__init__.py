"""Semantic grasping (Jang et al. 2017): a dorsal stream predicts success, a ventral stream the
category of what will be held."""
