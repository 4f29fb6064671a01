"""Table of all metrics of a scenario, in validation and on the test set."""

import statistics
from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.findings import Findings
from analysis.forms.cells import TableColumn, TableInfo, setup_cells, setup_columns
from analysis.forms.scores import ScoreForm
from analysis.forms.titles import titled
from analysis.read.counted import counted_epochs
from study.record.objective import Objective, metrics_of
from study.record.vocabulary import NOT_WHOLE, TrialStatus

_SAID = "estimated"
"""Part of the labels that concern energies only."""

_Means = dict[int, dict[str, float]]
"""Means by setup and by the name of the metric."""


def metrics_info(findings: Findings) -> TableInfo | None:
    """Return the table of each setup's mean metrics at the best epoch; None if there is only the objective."""
    objective = findings.study.manifest.objective
    epochs = _epochs(findings)
    validation = _means(_at_best(epochs, objective), "val_metrics")
    test = _means(_tested(epochs), "test_metrics")
    names = _ordered(validation, test, objective)
    if not test and len(names) < 2:  # noqa: PLR2004 - the ranking has the objective
        return None
    setups = [each for each in findings.study.manifest.setups if each.setup in validation]
    labels = findings.labels
    stage = f", stage {findings.ranked_stage}" if findings.ranked_stage else ""
    shown = [
        (_form(name, objective), part, found)
        for name in names
        for part, found in (("", validation), ("test", test))
        if any(name in means for means in found.values())
    ]
    return TableInfo(
        name="metrics",
        # The label `estimated` concerns energies, of which this table has none.
        title=titled(
            f"Metrics at the best epoch{stage}", [each for each in labels if _SAID not in each]
        ),
        columns=(
            *setup_columns(setups),
            *(
                TableColumn(key=form.key(part), heading=f"{part} {form.name}".strip())
                for form, part, _ in shown
            ),
        ),
        rows=tuple(
            (
                *setup_cells(each, setups),
                *(form.cell(found.get(each.setup, {}).get(form.name)) for form, _, found in shown),
            )
            for each in setups
        ),
        legend="; ".join(
            [
                f"means over the repeats, of the epoch that is best in {findings.score.in_unit}",
                *(["test: that epoch's weights, on data that decided nothing"] if test else []),
            ]
        ),
    )


def _epochs(findings: Findings) -> pd.DataFrame:
    """Return the epochs that count, of complete trainings and of the ranked stage, in order of epochs."""
    study, stage = findings.study, findings.ranked_stage
    ended = study.trials["status"] == TrialStatus.FINISHED.value
    whole = study.trials[ended & ~study.trials["stop_reason"].isin(NOT_WHOLE)]["trial_id"]
    epochs = counted_epochs(study.epochs)
    epochs = epochs[epochs["trial_id"].isin(whole)].sort_values("epoch", kind="stable")
    return epochs if stage is None else epochs[epochs["stage"] == stage]


def _at_best(epochs: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    scored = epochs.dropna(subset=["val_score"])
    scores = scored.groupby("trial_id", sort=False)["val_score"]
    return scored.loc[scores.idxmax() if objective.mode == "max" else scores.idxmin()]


def _tested(epochs: pd.DataFrame) -> pd.DataFrame:
    if "test_metrics" not in epochs.columns:
        return epochs.iloc[:0].assign(test_metrics=None)
    return epochs.dropna(subset=["test_metrics"]).drop_duplicates("trial_id", keep="last")


def _means(rows: pd.DataFrame, column: str) -> _Means:
    found: dict[int, dict[str, list[float]]] = {}
    for setup, text in zip(rows["setup"], rows[column], strict=True):
        for name, value in metrics_of(text if isinstance(text, str) else None).items():
            found.setdefault(int(setup), {}).setdefault(name, []).append(value)
    return {
        setup: {name: statistics.fmean(values) for name, values in metrics.items()}
        for setup, metrics in found.items()
    }


def _ordered(validation: _Means, test: _Means, objective: Objective) -> list[str]:
    """Return the names of the metrics: the objective first, the others in alphabetical order."""
    of_setups: Iterable[Mapping[str, float]] = (*validation.values(), *test.values())
    names = {name for metrics in of_setups for name in metrics}
    return sorted(names, key=lambda name: (name != objective.name, name))


def _form(name: str, objective: Objective) -> ScoreForm:
    """Return the format of a metric: that of the objective for a task's objective, else a plain number.

    A scenario does not declare whether its other metrics are shares.
    """
    alike = name == objective.name or name.endswith(objective.of_task(""))
    return ScoreForm(Objective(name, objective.mode, is_share=alike and objective.is_share))
