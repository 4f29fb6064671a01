"""Reading of study folders: finished, unfinished and killed studies, power logs, idle power, import and export."""
