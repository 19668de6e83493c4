"""Dex-Net 2.0 from nothing: candidates with analytic labels, networks that learn them, and the rows
of `shake` and `heap`."""
