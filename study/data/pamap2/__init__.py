"""PAMAP2 (wearable sensors): reader, check, download, synthetic sample, scenario."""
