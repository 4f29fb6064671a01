"""Repeats where they tell most: after the first ones, trainings of the setups that decide the answer."""
