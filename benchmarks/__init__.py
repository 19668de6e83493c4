"""How fast things are; printed, and kept as JSON. Never a pass or fail."""
