"""Data sets on disk: read, check, download, and write synthetic ones in the real format."""
