"""The order of setups: criteria, evidence of the repeats, chance, the recommended one."""
