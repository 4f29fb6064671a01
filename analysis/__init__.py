"""Turns what studies left behind into answers; needs neither Ray nor torch."""
