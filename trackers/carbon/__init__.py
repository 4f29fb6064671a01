"""Know how much greenhouse gas a country's electricity comes with."""
