"""Replay of searches on recorded trainings, with a simulated clock."""
