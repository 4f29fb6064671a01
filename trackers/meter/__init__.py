"""Energy meter: sampling, windows, integration and uncertainty; pure arithmetic apart from clock and threads."""
