"""Output of a run's account as JSON, and as a line appended to a CSV file.

A command may run for days, so it is checked before it starts that its account can be written.
"""

import csv
import fcntl
import json
import os
import shlex
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trackers.output_files import OutputFileError
from trackers.run.account import Account, AccountLine
from trackers.sample import Component

TOTAL = "total"
COLUMNS = (
    *("ended_at", "command", "status", "duration_s"),
    *(
        f"{name}_{part}"
        for name in (*map(str, Component), TOTAL)
        for part in ("energy_j", "mean_power_w", "peak_power_w", "method")
    ),
    "g_co2e",
)
"""Columns of the CSV file; the same on every machine, so that runs of several machines fit into one file."""


def check_table(path: Path) -> None:
    """Refuse an existing file that is not a table of runs, whose columns a new line would not fit.

    Raises:
        OutputFileError: The file has other columns, or cannot be read as text.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            found = next(csv.reader(file), None)
    except FileNotFoundError:
        return
    except (OSError, ValueError, csv.Error) as error:
        message = f"--csv {path} cannot be read as a table ({error}); give another file"
        raise OutputFileError(message) from error
    if found is not None and tuple(found) != COLUMNS:
        message = (
            f"--csv {path} has other columns than a table of runs, and a line more would not fit "
            f"them: it begins with {','.join(found)[:60]!r}. Give another file"
        )
        raise OutputFileError(message)


def write_json(account: Account, path: Path) -> None:
    """Write a run's account as JSON; unknown values are null."""
    content = {
        "command": list(account.command),
        "status": account.status,
        "duration_s": account.duration_s,
        "components": {str(line.components[0]): _as_json(line) for line in account.lines},
        "total": {"components": list(account.total.components), **_as_json(account.total)},
        "g_co2e": account.g_co2e,
        "left_running": list(account.left_running),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def append_csv(account: Account, path: Path, *, now: datetime | None = None) -> None:
    """Append a line to a CSV file, after the header if it is new; runs that end at once take turns.

    Args:
        account: The run's account.
        path: The file.
        now: Time to record as the run's end; the present time when left out.
    """
    row: dict[str, Any] = {
        "ended_at": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "command": shlex.join(account.command),
        "status": account.status,
        "duration_s": account.duration_s,
        "g_co2e": account.g_co2e,
    }
    for name, line in [
        *((str(line.components[0]), line) for line in account.lines),
        (TOTAL, account.total),
    ]:
        row[f"{name}_energy_j"] = line.energy_j
        row[f"{name}_mean_power_w"] = line.mean_power_w
        row[f"{name}_peak_power_w"] = line.peak_power_w
        row[f"{name}_method"] = "+".join(line.methods) or None
    # An argument of the command may not be valid text, but a file name in arbitrary bytes.
    with path.open("a+", newline="", encoding="utf-8", errors="backslashreplace") as file:
        with suppress(OSError):  # on a mount without locks, lines of simultaneous runs may mix
            fcntl.flock(file, fcntl.LOCK_EX)
        writer = csv.DictWriter(file, COLUMNS)
        if file.seek(0, os.SEEK_END) == 0:
            writer.writeheader()
        elif not _ends_a_line(path):
            file.write(
                "\r\n"
            )  # an editor, or a run that was killed while writing, left the last line unfinished
        writer.writerow(row)


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _as_json(line: AccountLine) -> dict[str, Any]:
    return {
        "energy_j": line.energy_j,
        "energy_wh": line.energy_wh,
        "mean_power_w": line.mean_power_w,
        "peak_power_w": line.peak_power_w,
        "methods": list(line.methods),
        "devices": list(line.devices),
        "whole_machine": line.is_whole,
        "note": line.note,
    }
