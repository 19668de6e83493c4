"""What Mahler et al. 2017 publish."""

from __future__ import annotations

from selfgrasp.papers.published import Figure

FIGURES = (
    Figure("shake", "success", 0.93, "section VI-B, known objects", objects="adversarial"),
    Figure("shake", "success", 0.80, "section VI-C, household", objects="household"),
    Figure("shake", "precision", 1.00, "section VI-C, household", objects="household"),
    Figure("shake", "robust_share", 0.58, "section VI-C, household", objects="household"),
    Figure("shake", "success", 0.94, "section VI-D, CEM", objects="novel", variant="cem"),
    Figure("shake", "precision", 0.99, "section VI-D, CEM", objects="novel", variant="cem"),
    Figure("shake", "plan_seconds", 0.8, "section VI-C"),
    Figure("shake", "plan_seconds", 2.5, "section VI-D, CEM", variant="cem"),
    Figure("shake", "plan_seconds", 0.625, "Satish et al. 2019, FC-GQ-CNN", variant="dense"),
)
"""The paper's figures, from ABB's YuMi with 3D-printed and household objects."""
