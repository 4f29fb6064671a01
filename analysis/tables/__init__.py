"""Tables of a study as records, for terminal, page, CSV, Markdown and LaTeX."""
