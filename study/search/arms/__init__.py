"""Search by arms: try, pause and resume trainings by their predicted cost, and repeat the informative ones."""
