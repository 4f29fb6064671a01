"""Sample, open and close windows, integrate; pure arithmetic apart from clocks and threads."""
