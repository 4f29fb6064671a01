"""Hands energies on to experiment trackers and monitoring: one exporter a file, each by the library made for it."""
