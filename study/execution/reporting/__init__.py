"""The way of a trial's rows to the driver, and into the files that Ray Tune keeps of it."""
