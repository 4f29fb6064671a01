"""PAMAP2: reader, check, download, sample, scenario (wearable sensors)."""
