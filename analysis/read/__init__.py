"""Read what studies left behind: rows of whole, unfinished and killed studies, power, idle power."""
