"""Try arms, pause them, go on with those of most promise, and repeat where that tells most."""
