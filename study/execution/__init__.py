"""Run a study with Ray Tune: checks, launch, trials, progress, interrupts."""
