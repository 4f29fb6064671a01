"""Compute each figure's record, then draw it."""
