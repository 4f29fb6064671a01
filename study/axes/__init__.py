"""Axes that setups differ in: those that every study knows, those of a scenario, and coupled ones."""
