"""Search spaces: axes, the space file, the registry of setups."""
