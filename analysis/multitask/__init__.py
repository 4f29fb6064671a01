"""Answer whether tasks train cheaper together (Table 4)."""
