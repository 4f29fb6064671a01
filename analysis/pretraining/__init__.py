"""Analysis of pretraining: break-even (paper, equation 2) and frozen encoders (paper, Table 3)."""
