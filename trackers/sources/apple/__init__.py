"""Power sources for Apple silicon: the tool `powermetrics` of macOS, and the counters of IOReport."""
