"""Ask one power source each for power or energy, and list those that work here."""
