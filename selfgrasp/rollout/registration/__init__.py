"""Grasps by registration: the row REG of Dex-Net 2.0 (Mahler et al. 2017, section VI-C). The
nearest known object by picture, iterative closest points against its surface, and the best grasp
that is known of it."""
