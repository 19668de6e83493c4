"""Work done by processes: scenes, workers, policies by name, collecting, training."""
