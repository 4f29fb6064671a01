"""Forecast of the energy and time of a whole study, from its first trials. Numpy and scipy only."""
