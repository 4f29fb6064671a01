"""What the devices of all machines do at this moment, for those who monitor."""
