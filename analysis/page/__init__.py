"""Writing and serving of the report, one self-contained HTML page."""
