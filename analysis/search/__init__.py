"""Results of a search: its Pareto front, its energy, and the probability of its answer."""
