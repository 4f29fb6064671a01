"""Whether training tasks together takes less energy than one by one (paper, Table 4 and Figure 5)."""
