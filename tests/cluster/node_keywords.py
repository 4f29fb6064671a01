"""Keywords of Ray's nodes that stand for machines."""

from typing import Any

LEAN: dict[str, Any] = {
    "object_store_memory": 100_000_000,
    "include_dashboard": False,
    "include_log_monitor": False,
    "no_monitor": True,
}
"""Without the processes that nobody asks: no driver shows its workers' output, and no machine is bought."""
