"""Measures energy; knows nothing of learning."""
