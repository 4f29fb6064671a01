"""Options that have another name since version 0.1: how a study of then is read, and what a user is shown."""

from collections.abc import Mapping
from typing import Any

RENAMED_OPTIONS: Mapping[str, str] = {"objective": "goal", "target_accuracy": "target"}
"""Present name by the name in version 0.1, as fields of the options are written."""


def with_present_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a manifest of version 0.1 under the names that they have now.

    `--tracker` took one source then, and takes several now.
    """
    present = {RENAMED_OPTIONS.get(name, name): value for name, value in options.items()}
    if isinstance(present.get("tracker"), str):
        present["tracker"] = [present["tracker"]]
    return present


def with_scenario_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a manifest by name, the scenario's own among them, as version 0.1 wrote them."""
    own = options.get("scenario_options") or {}
    return {**{name: each for name, each in options.items() if name != "scenario_options"}, **own}
