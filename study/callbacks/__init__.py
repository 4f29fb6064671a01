"""Callbacks that measure a training run by Hugging Face, Lightning or Keras, one file for each."""
