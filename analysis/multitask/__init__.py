"""Analysis of multitask: energy of tasks trained together against one by one (paper, Table 4 and Figure 5)."""
