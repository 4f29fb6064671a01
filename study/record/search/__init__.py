"""Interpretation of a search's rows: trial curves, the goal, the answer. Imports neither Ray nor torch."""
