"""Learn when an energy counter is refreshed, and stamp its values with the time of their refresh."""
