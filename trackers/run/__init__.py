"""`python -m trackers run -- COMMAND`: start any command and measure its process tree and boards."""
