"""What is grasped: models of convex parts, procedural families, named sets and meshes from
files."""
