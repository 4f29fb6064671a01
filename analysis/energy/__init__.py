"""Energy arithmetic: totals, spread, stages, the study's bill, savings, failures, analysis of variance."""
