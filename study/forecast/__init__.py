"""Forecasts of what a study will have used when it ends, from its first trials. Numpy and scipy only."""
