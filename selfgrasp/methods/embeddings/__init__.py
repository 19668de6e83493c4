"""Embeddings that learn nothing: rows of the `embedding` protocol to compare with."""
