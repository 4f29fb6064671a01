"""Tables, manifests and options of earlier schemas, brought to the present one when they are read.

Schema 3 (version 0.2) has the objective and metrics by name where schema 2 (version 0.1) had columns
for the accuracy and for CelebA's two tasks. Nothing is written back: a folder stays as it is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from study.record.objective import metrics_text

SCHEMA_VERSION = 3
"""Version of the manifest and of the tables beside it."""

READABLE = (1, 2, SCHEMA_VERSION)
"""Schemas that can be read; what schema 1 lacks beside schema 2 is missing in its rows."""

RENAMED = {"val_accuracy": "val_score", "best_val_accuracy": "best_val_score"}
"""Columns of schema 2 by their present names."""

RENAMED_OPTIONS: Mapping[str, str] = {"objective": "goal", "target_accuracy": "target"}
"""Present name by the name in version 0.1, as fields of the options are written."""

MOVED_SCENARIOS: Mapping[str, str] = {
    "examples.watch:Watch": "watch",
    "study.scenarios.celeba:Celeba": "celeba",
    "study.scenarios.pamap2:Pamap2": "pamap2",
}
"""Present values of `--scenario` by those of version 0.1."""

_METRICS = {
    "val_accuracy": "accuracy",
    "val_accuracy_attributes": "attributes/accuracy",
    "val_accuracy_identity": "identity/accuracy",
}
"""Columns of schema 2 that `val_metrics` now has, with the metric's name in it."""

EARLIER = frozenset({*RENAMED, *_METRICS})
"""Columns by which a table of schema 2 is known."""


def moved_column(name: str) -> str | None:
    """Return where a column of schema 2 is now, in words; None of one that has not moved."""
    if name in RENAMED:
        return f"{name} is {RENAMED[name]} since version 0.2"
    if name in _METRICS:
        return f"{name} is in val_metrics since version 0.2, as {_METRICS[name]}"
    return None


def is_earlier(names: Iterable[str]) -> bool:
    """Return whether these are the columns of a table of an earlier schema."""
    return not EARLIER.isdisjoint(names)


def migrated_columns(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return a table's columns with their present names.

    Args:
        columns: The table's values by column, from a table of any schema that can be read.
    """
    if not is_earlier(columns):
        return dict(columns)
    kept = {
        RENAMED.get(name, name): values
        for name, values in columns.items()
        if name in RENAMED or name not in EARLIER
    }
    if "val_accuracy" in columns:
        names = [name for name in _METRICS if name in columns]
        kept["val_metrics"] = [
            metrics_text({_METRICS[name]: value for name, value in zip(names, row, strict=True)})
            for row in zip(*(columns[name] for name in names), strict=True)
        ]
    return kept


def migrated_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row with the present names of its columns."""
    if not is_earlier(row):
        return dict(row)
    return {
        name: values[0]
        for name, values in migrated_columns({k: (v,) for k, v in row.items()}).items()
    }


def migrated_manifest(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest's values as the present schema has them.

    Args:
        raw: The manifest as JSON has it, of any schema that can be read.
    """
    if raw["schema_version"] == SCHEMA_VERSION:
        return dict(raw)
    kinds = {device["kind"] for node in raw["nodes"] for device in node["devices"]}
    scope = "components" if kinds == {"cpu"} else "accelerator"
    return {
        **raw,
        "options": with_present_names(raw["options"]),
        "energy_of": scope,
        "schema_version": SCHEMA_VERSION,
    }


def renamed_option(words: Iterable[str], present: Collection[str]) -> str | None:
    """Return what is said of an option of version 0.1 in a command line; None where there is none.

    Args:
        words: The command line.
        present: Options of the command, as fields are written.
    """
    for word in words:
        old = word.partition("=")[0].removeprefix("--").replace("-", "_")
        new = RENAMED_OPTIONS.get(old, "")
        if word.startswith("--") and new in present:
            flag, now = (f"--{each.replace('_', '-')}" for each in (old, new))
            return f"{flag} has another name since version 0.2: {now}. Give {now} instead."
    return None


def with_present_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a manifest of version 0.1 under the names that they have now.

    `--tracker` took one source then, and takes several now.
    """
    present = {RENAMED_OPTIONS.get(name, name): value for name, value in options.items()}
    if isinstance(present.get("tracker"), str):
        present["tracker"] = [present["tracker"]]
    if present.get("scenario") in MOVED_SCENARIOS:
        present["scenario"] = MOVED_SCENARIOS[present["scenario"]]
    return present


def with_scenario_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of a manifest by name, the scenario's own among them, as version 0.1 wrote them."""
    own = options.get("scenario_options") or {}
    return {**{name: each for name, each in options.items() if name != "scenario_options"}, **own}
