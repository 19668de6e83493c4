"""Analytic quality of grasps from shapes alone, as Dex-Net 2.0 labels them."""
