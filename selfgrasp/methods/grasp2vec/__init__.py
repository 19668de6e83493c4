"""Grasp2Vec (Jang et al. 2018): a scene before a grasp, less the scene after it, is the object."""
