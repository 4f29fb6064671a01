"""A Ray of a study's own on this machine: a place for it, its start, and who ends it."""
