"""Track a machine for the trials on it: actor, client, ledger, liveness, sharing."""
