"""Arithmetic of energy: totals, spread, stages, the bill, savings, failures, factors."""
