"""Migration of tables, manifests and options of earlier schemas to the present one when they are read.

Schema 3 (version 0.2) stores the objective and metrics by name where schema 2 (version 0.1) had columns
for the accuracy and for CelebA's two tasks. Nothing is written back: the study's folder stays as it is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from study.record.objective import metrics_text

SCHEMA_VERSION = 3
"""Version of the manifest and of the tables beside it."""

READABLE = (1, 2, SCHEMA_VERSION)
"""Schemas that can be read; columns that schema 1 lacks compared with schema 2 are None in its rows."""

RENAMED = {"val_accuracy": "val_score", "best_val_accuracy": "best_val_score"}
"""Present name of renamed columns, by their name in schema 2."""

RENAMED_OPTIONS: Mapping[str, str] = {"objective": "goal", "target_accuracy": "target"}
"""Present name of renamed options, by their name in version 0.1, both as field names."""

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
"""Name of the metric within `val_metrics`, by the column of schema 2 that it replaces."""

EARLIER = frozenset({*RENAMED, *_METRICS})
"""Columns by which a table of schema 2 is recognised."""


def moved_column(name: str) -> str | None:
    """Return a sentence on where a column of schema 2 is now; None where it has not moved."""
    if name in RENAMED:
        return f"{name} was renamed to {RENAMED[name]} in version 0.2"
    if name in _METRICS:
        return f"{name} moved to val_metrics in version 0.2, as {_METRICS[name]}"
    return None


def is_earlier(names: Iterable[str]) -> bool:
    """Return whether these are the columns of a table of an earlier schema."""
    return not EARLIER.isdisjoint(names)


def migrated_columns(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return the columns of a table with their present names.

    Args:
        columns: Values by column, from a table of any readable schema.
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
    """Return the values of a manifest in the present schema.

    Args:
        raw: The manifest as parsed JSON, of any readable schema.
    """
    if raw["schema_version"] == SCHEMA_VERSION:
        return _with_probability(raw)
    kinds = {device["kind"] for node in raw["nodes"] for device in node["devices"]}
    scope = "components" if kinds == {"cpu"} else "accelerator"
    return {
        **raw,
        "options": with_present_names(raw["options"]),
        "energy_of": scope,
        "schema_version": SCHEMA_VERSION,
    }


def _with_probability(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest whose search's answer has a `probability`; development versions of 0.3 called it `right`."""
    answer = raw.get("answer")
    if not answer or "right" not in answer:
        return dict(raw)
    return {**raw, "answer": {**answer, "probability": answer["right"]}}


def renamed_option(words: Iterable[str], present: Collection[str]) -> str | None:
    """Return the message about a renamed option in a command line; None where it contains none.

    Args:
        words: Arguments of the command line.
        present: Options of the command, as field names; only options renamed to one of these count.
    """
    for word in words:
        old = word.partition("=")[0].removeprefix("--").replace("-", "_")
        new = RENAMED_OPTIONS.get(old, "")
        if word.startswith("--") and new in present:
            flag, now = (f"--{each.replace('_', '-')}" for each in (old, new))
            return f"{flag} was renamed to {now} in version 0.2. Give {now} instead."
    return None


def with_present_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a manifest of version 0.1 with their present names and values.

    `--tracker` took a single source then and takes several now.
    """
    present = {RENAMED_OPTIONS.get(name, name): value for name, value in options.items()}
    if isinstance(present.get("tracker"), str):
        present["tracker"] = [present["tracker"]]
    if present.get("scenario") in MOVED_SCENARIOS:
        present["scenario"] = MOVED_SCENARIOS[present["scenario"]]
    return present


def with_scenario_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest's options with the scenario's own merged in, flat as version 0.1 wrote them."""
    own = options.get("scenario_options") or {}
    return {**{name: each for name, each in options.items() if name != "scenario_options"}, **own}
