"""Statistical inference from a study's repeats: intervals, probabilities, the choice, the next repeat.

Uses numpy and scipy only. The last axis of arrays is setups. Any axes before it are studies: the
simulations of `benchmarks.calibration` have thousands of them, a report has no such axis.
"""
