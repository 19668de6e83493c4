"""Hand-eye coordination (Levine et al. 2016): a grasp success predictor, and servoing to the motion
that it thinks best."""
