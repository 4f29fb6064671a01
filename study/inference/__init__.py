"""Statements that a study's repeats allow: intervals, probabilities, the choice, the next repeat.

Numpy and scipy only. Arrays end in an axis of setups; axes before it are studies, which the
simulations of `benchmarks.calibration` have by the thousand and a report has none of.
"""
