"""Transfer of a trial's rows to the driver, and into the trial's files."""
