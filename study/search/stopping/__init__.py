"""Decisions on which trials continue: energy budget, successive halving, early stopping."""
