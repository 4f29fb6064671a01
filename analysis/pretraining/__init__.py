"""Answer whether pretraining pays: break-even (equation 2) and freezing (Table 3)."""
