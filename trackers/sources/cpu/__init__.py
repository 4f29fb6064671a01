"""CPU energy: an estimate from CPU time and rated watts, and the division of measured energy among processes."""
