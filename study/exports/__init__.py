"""A study's rows as the exporters of `trackers.exports` take them: `--log` of every command."""
