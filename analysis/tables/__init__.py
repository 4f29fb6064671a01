"""Lay out tables for terminal, page, CSV, Markdown and LaTeX."""
