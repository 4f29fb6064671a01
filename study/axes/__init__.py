"""Axes that setups differ in: those known to every study, a scenario's own, and coupled axes."""
