"""Keep a study's folder: write, read, resume."""
