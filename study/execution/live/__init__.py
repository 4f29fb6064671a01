"""What a user sees of a study while it runs: lines, a live table, forecasts, TensorBoard."""
