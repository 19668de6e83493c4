"""Dex-Net 2.0: a network that judges depth crops, learned from analytic labels (Mahler et al.
2017)."""
