"""Calibration of a power source against an external meter, over a staircase of loads."""
