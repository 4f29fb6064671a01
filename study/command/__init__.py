"""Run a study command: its command line parsed, the study and its report, an exit status."""
