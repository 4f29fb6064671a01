"""Power limits: checks before the first trial, and the search for the cheapest limit during a training."""
