"""Export of energies to experiment trackers and monitoring, one exporter per file, with their own libraries."""
