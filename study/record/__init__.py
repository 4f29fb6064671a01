"""Describe what a study leaves behind; standard library and one schema library, neither Ray nor torch."""
