"""The CPU's part: an estimate from its time and rated watts, and the shares that processes have of it."""
