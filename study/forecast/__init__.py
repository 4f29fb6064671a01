"""What a study will have used when it ends: forecasts from its first trials. Numpy and scipy only."""
