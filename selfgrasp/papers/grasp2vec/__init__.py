"""VPG from nothing: rounds of pushes and grasps, networks that learn from them, and tables that are
cleared."""
