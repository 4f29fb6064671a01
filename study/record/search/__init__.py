"""Read a search from its rows: the curve of a trial, what is sought, the answer. No Ray, no torch."""
