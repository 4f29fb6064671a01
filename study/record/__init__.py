"""Records that a study leaves behind: schemas of its tables and manifest. Needs msgspec, not Ray or torch."""
