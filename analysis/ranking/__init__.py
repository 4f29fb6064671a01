"""Ranking of setups: criteria, statistical evidence of the repeats, chance level, the recommended setup."""
