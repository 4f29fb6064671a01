"""Export of a study (`--log`): its rows as values for the exporters of `trackers.exports`."""
