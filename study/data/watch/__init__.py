"""Smartwatch recordings from the package seglearn: the scenario of a first run."""
