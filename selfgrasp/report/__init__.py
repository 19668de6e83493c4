"""Pages: HTML lives here alone."""
