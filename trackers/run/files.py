"""A run's account as JSON, and as a line of a CSV file that grows with each run."""

import csv
import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trackers.run.account import Account, Line


def write_json(account: Account, path: Path) -> None:
    """Write everything that is known of a run; what is not known is null."""
    content = {
        "command": list(account.command),
        "status": account.status,
        "duration_s": account.duration_s,
        "components": {str(line.components[0]): _as_json(line) for line in account.lines},
        "total": {"components": list(account.total.components), **_as_json(account.total)},
        "g_co2e": account.g_co2e,
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def append_csv(account: Account, path: Path, *, now: datetime | None = None) -> None:
    """Add a line to a file, with its heading where it is new."""
    row: dict[str, Any] = {
        "ended_at": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
        "command": shlex.join(account.command),
        "status": account.status,
        "duration_s": account.duration_s,
    }
    for name, line in [
        *((str(line.components[0]), line) for line in account.lines),
        ("total", account.total),
    ]:
        row[f"{name}_energy_j"] = line.energy_j
        row[f"{name}_mean_power_w"] = line.mean_power_w
        row[f"{name}_peak_power_w"] = line.peak_power_w
        row[f"{name}_method"] = "+".join(line.methods) or None
    row["g_co2e"] = account.g_co2e
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow(row)


def _as_json(line: Line) -> dict[str, Any]:
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
