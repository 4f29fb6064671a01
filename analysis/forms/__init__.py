"""Building blocks shared by tables and figures: cells, units, titles, wording of the objective, chart style."""
