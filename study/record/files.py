"""Names of the files in a study's folder, and the units in which people are shown what is in them."""

EPOCHS_FILE = "epochs.parquet"
TRIALS_FILE = "trials.parquet"
TRIALS_CSV_FILE = "trials.csv"
WINDOWS_FILE = "windows.parquet"
POWER_FILE = "power.parquet"
"""A parquet data set: a folder of parts, which every parquet reader takes as one table."""
EARLIER_FILE = "earlier.parquet"
"""Trials of earlier studies that a search began with, as `TrialRecord`s with its own target."""
MANIFEST_FILE = "study.json"
REPORT_FOLDER = "report"

J_PER_WH = 3600.0
J_PER_MWH = 3.6
