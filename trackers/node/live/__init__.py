"""Present use of the devices of all machines, for monitoring."""
