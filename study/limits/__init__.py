"""Power limits of a study: the checks before its first trial, and the cheapest limit of a training."""
