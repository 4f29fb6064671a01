"""Tracker of a machine for the trials that run on it: Ray actor, client, ledger, liveness, sharing."""
