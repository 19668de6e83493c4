"""Grasp2Vec from nothing: lifts, towers and goal-conditioned networks that learn from them, and
bins from which pictures ask for objects."""
