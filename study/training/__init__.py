"""Training of one stage: the loop, early stopping, checkpoints, devices; without Ray."""
