"""What setups differ in: the axes that every study knows, those of a scenario, and axes that are coupled."""
