"""Adaptive repeats: after the first ones, further trainings of the setups that are most informative."""
