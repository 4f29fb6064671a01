"""Carbon intensity of electricity: a table of countries, and hourly values from a server."""
