"""The processes that train a trial together with its own, each on a board of its own."""
