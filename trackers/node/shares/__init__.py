"""Division of a node's energy among its trials: which trial uses which device when, and its charge."""
