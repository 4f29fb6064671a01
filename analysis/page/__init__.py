"""Write and serve the report: one self-contained HTML page."""
