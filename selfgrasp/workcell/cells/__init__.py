"""The cells: options, and functions that make them."""
