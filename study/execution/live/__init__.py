"""The sight of a study while it runs: lines, a live table, forecasts, TensorBoard."""
