"""Who uses what of a node, at what time, and what each is charged for it."""
