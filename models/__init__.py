"""The networks: torch and nothing of ours."""
