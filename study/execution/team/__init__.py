"""The processes that train a trial: its own, and those that train with it, each on a board of its own."""
