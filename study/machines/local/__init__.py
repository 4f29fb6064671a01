"""A study's own Ray on this machine: its private folder, its start, and the process that cleans it up."""
