"""Train one stage: the loop, early stopping, checkpoints; no Ray."""
