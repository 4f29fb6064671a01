"""Report on a search: its front over energy, and how probable its answer is."""
