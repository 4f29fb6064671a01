"""Measure Apple silicon: with the tool that macOS brings, and with the counters that it reads."""
