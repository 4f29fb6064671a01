"""Say what is searched over: axes, the space file, the registry of setups."""
