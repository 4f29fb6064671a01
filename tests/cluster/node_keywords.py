"""Keyword arguments for the Ray nodes that simulate machines."""

from typing import Any

LEAN: dict[str, Any] = {
    "object_store_memory": 100_000_000,
    "include_dashboard": False,
    "include_log_monitor": False,
    "no_monitor": True,
}
"""Leaves out processes that the tests do not need: drivers do not show their workers' output here, and
nothing is autoscaled."""
