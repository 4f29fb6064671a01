"""Display of a running study: log lines, a live table, forecasts, TensorBoard."""
