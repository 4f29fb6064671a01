"""Learn when a counter is refreshed, and read it at the refresh."""
