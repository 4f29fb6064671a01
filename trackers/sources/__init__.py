"""Power sources, one per module, and the detection of those that work on this machine."""
