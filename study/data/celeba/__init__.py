"""CelebA: reader, check, sample, scenario (faces)."""
