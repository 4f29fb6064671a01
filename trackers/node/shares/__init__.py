"""Shares of a node among its trials: which of them use what, when, and what each is charged for it."""
