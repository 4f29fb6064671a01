"""Energy measurement for Ray Tune trainables that were not written for this package, and its records."""
