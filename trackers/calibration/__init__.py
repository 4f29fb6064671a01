"""Compare a source with an external meter over a staircase of loads."""
