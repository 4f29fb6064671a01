"""Shape cells, series and chart styles that every table and figure shares."""
