"""Data sets on disk: reading, checking, downloading, and synthetic samples in the real format."""
