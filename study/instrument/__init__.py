"""Measure Ray Tune trainables that were not written for this package: around their steps, and record them."""
