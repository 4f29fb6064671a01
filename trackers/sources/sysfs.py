"""Where the kernel shows its sensors: `/sys`, or what HOST_SYS names.

A container does not see all of its machine's `/sys`, and gets it mounted elsewhere; the variable is the
one that other monitors of a machine take (gopsutil, and with it Telegraf).
"""

import os
from pathlib import Path

HOST_SYS = "HOST_SYS"


def class_folder(name: str) -> Path:
    """Return the folder of a class of devices, for example `powercap`."""
    return Path(os.environ.get(HOST_SYS) or "/sys") / "class" / name
