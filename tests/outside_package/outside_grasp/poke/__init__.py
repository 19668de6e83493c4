"""A method: grasps that reach deep are said to hold."""
