"""Figures of a study: each is computed as a record first, then drawn as a chart."""
