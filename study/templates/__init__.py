"""Scenarios to begin with: what `study.new` writes, each trainable as it stands."""
