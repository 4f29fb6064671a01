"""Study commands: parsing of the command line, the run of the study and its report, the exit status."""
