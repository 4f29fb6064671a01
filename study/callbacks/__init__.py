"""Measure a training that a framework runs: one file each for Hugging Face, Lightning and Keras."""
