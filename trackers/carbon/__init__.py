"""Greenhouse gas of electricity: a table of countries, and of each hour from a server."""
