"""CelebA (faces): reader, check, synthetic sample, scenario."""
