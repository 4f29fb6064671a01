"""Decide which trials go on: budget, halving, early stopping."""
