"""Templates of scenarios, which `study.new` copies; each is trainable as it is."""
