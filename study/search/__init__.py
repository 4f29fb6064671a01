"""Search instead of a grid, and stop before the energy is wasted."""
