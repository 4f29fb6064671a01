"""The four studies of training energy, run with Ray Tune."""
