"""Comparison of several studies, setup by setup: CUDA and MPS, or different paradigms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.energy.spread import Spread
from analysis.energy.totals import SetupEnergy
from analysis.findings import Findings
from analysis.forms.cells import (
    Cell,
    TableColumn,
    TableInfo,
    mean_of,
    number_cell,
    rate_cell,
    size_cell,
    std_of,
    word_cell,
)
from analysis.forms.scores import ScoreForm
from analysis.quantities import (
    MISSING,
    decimals_for,
    number_text,
    to_mwh,
    to_wh,
)
from analysis.tables.published import CELEBA, PAMAP2, Hardware, paper_scenario, table_2_j
from study.record.files import J_PER_WH
from study.record.vocabulary import parameters_text, telling_digits

_Key = tuple[int | None, float | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A quantity of setups to compare between studies.

    Attributes:
        name: Name of its CSV file, without suffix, with the unit of the values there.
        title: Title with the unit for display.
        mean: Function that returns the quantity of a setup; None if unknown.
        spread: Function that returns its spread over the repeats; None if unknown.
        unit: Function that converts a value to the unit of the CSV file.
        per_unit: Display units in one unit of the CSV file.
    """

    name: str
    title: str
    mean: Callable[[SetupEnergy], float | None]
    spread: Callable[[SetupEnergy], Spread | None]
    unit: Callable[[float | None], float | None]
    per_unit: float = 1.0


_PER_EPOCH = _Table(
    name="compared_energy_per_epoch_mwh",
    title="Energy per epoch, mWh",
    mean=lambda setup: mean_of(setup.energy_per_epoch_j),
    spread=lambda setup: setup.energy_per_epoch_j,
    unit=to_mwh,
)


def _total(studies: Sequence[Findings]) -> _Table:
    """Return the quantity of total energy, displayed in the smallest of the studies' own units."""
    unit = min((each.unit for each in studies), key=lambda each: each.joules)
    return _Table(
        name="compared_total_wh",
        title=f"Total energy of a training, {unit.name}",
        mean=lambda setup: setup.total_j,
        spread=lambda setup: setup.energy_j,
        unit=to_wh,
        per_unit=J_PER_WH / unit.joules,
    )


def comparison_infos(studies: Sequence[Findings], *, paper: bool = False) -> tuple[TableInfo, ...]:
    """Return tables of energy per epoch, total energy and objective of the same setups in several studies.

    Args:
        studies: Results of two or more studies; if trials have several stages, the ranked one is shown.
        paper: Whether to add the published energies per epoch (Table 2).
    """
    published = _published(studies) if paper else {}
    # The paper publishes energies per epoch only (Table 2).
    energies = (
        _beside(studies, _PER_EPOCH, more=published),
        _beside(studies, _total(studies), more={}),
    )
    # Values of different objectives are not comparable, so each objective has a table of its own.
    scores = (
        _beside([s for s in studies if s.score == form], _scores(form), more={})
        for form in dict.fromkeys(each.score for each in studies)
    )
    return (*energies, *scores)


def _scores(form: ScoreForm) -> _Table:
    return _Table(
        name=f"compared_{form.key()}",
        title=f"Best validation {form.axis}",
        mean=lambda setup: setup.accuracy,
        spread=lambda setup: setup.best_accuracy,
        unit=form.shown,
    )


def all_labels(studies: Sequence[Findings]) -> tuple[str, ...]:
    """Return the labels of all studies, each with the name of its study."""
    return tuple(f"{_name(each)}: {label}" for each in studies for label in each.labels)


def boards_note(studies: Sequence[Findings]) -> str:
    """Return a note on the limits of a comparison of different studies; empty if there are none."""
    boards = {name for each in studies for name in each.study.trials["device_uuid"].dropna()}
    scenarios = {each.study.manifest.scenario for each in studies}
    notes = []
    if len(boards) > 1:
        notes.append("They ran on different boards: differences under 5 % are ties.")
    if len(scenarios) > 1:
        notes.append("They trained different networks on different data: compare shares, not Wh.")
    return " ".join(notes)


def _beside(
    studies: Sequence[Findings], table: _Table, *, more: dict[str, dict[_Key, float]]
) -> TableInfo:
    digits = telling_digits(setup.parameters for each in studies for setup in each.setups)
    found = [
        {
            key: (table.mean(setup), std_of(table.spread(setup)))
            for key, setup in zip(_keys(each.setups, digits), each.setups, strict=True)
        }
        for each in studies
    ]
    keys = sorted({key for each in found for key in each}, key=_place)
    decimals = decimals_for(
        None if (shown := table.unit(mean)) is None else shown * table.per_unit
        for each in found
        for mean, _ in each.values()
    )
    besides = len({key[2] for key in keys}) > 1

    def cells(key: _Key) -> tuple[Cell, ...]:
        measured = [each.get(key, (None, None)) for each in found]
        return (
            size_cell(key[0]),
            rate_cell(key[1]),
            *([word_cell(key[2])] if besides else []),
            *(
                _cell(table.unit(value), table.per_unit, decimals)
                for each in measured
                for value in each
            ),
            *(number_cell(table.unit(each.get((key[0], key[1], ""))), 2) for each in more.values()),
        )

    shared = [word for word in studies[0].labels if all(word in s.labels for s in studies)]
    return TableInfo(
        name=table.name,
        title=f"{table.title} ({'; '.join(shared)})" if shared else table.title,
        columns=(
            TableColumn(key="batch_size", heading="batch"),
            TableColumn(key="learning_rate", heading="rate"),
            *([TableColumn(key="parameters", heading="also")] if besides else []),
            *(
                column
                for number, each in enumerate(studies, start=1)
                for column in (
                    TableColumn(key=f"{_name(each)}_{number}", heading=_heading(each, shared)),
                    TableColumn(key=f"{_name(each)}_{number}_std", heading="±"),
                )
            ),
            *(TableColumn(key=heading.replace(" ", "_"), heading=heading) for heading in more),
        ),
        rows=tuple(cells(key) for key in keys),
        legend=_legend(studies),
    )


def _cell(value: float | None, per_unit: float, decimals: int) -> Cell:
    shown = None if value is None else value * per_unit
    return Cell(value=value, text=number_text(shown, decimals))


def _place(key: _Key) -> tuple[object, ...]:
    """Return the sort key of a row: batch sizes ascending, learning rates descending, None last."""
    size, rate, besides = key
    return (size is None, size or 0, rate is None, -(rate or 0.0), besides)


def _name(findings: Findings) -> str:
    return findings.study.manifest.study


def _heading(findings: Findings, shared: Sequence[str]) -> str:
    """Return a study's name, with the labels that not all studies share."""
    own = [label for label in findings.labels if label not in shared]
    return f"{_name(findings)} ({'; '.join(own)})" if own else _name(findings)


def _legend(studies: Sequence[Findings]) -> str:
    """Explain the signs, and name the stage that is shown of each study whose trials have several."""
    stages = [f"{_name(each)}: stage {each.ranked_stage}" for each in studies if each.ranked_stage]
    failed = any(setup.failed_share for each in studies for setup in each.setups)
    total = (
        ["total: energy of all trainings for each success, ± of the successes"] if failed else []
    )
    return "; ".join(["± standard deviation over repeats", *total, *stages, f"{MISSING} not known"])


def _keys(setups: Sequence[SetupEnergy], digits: int) -> list[_Key]:
    """Return the keys by which setups of several studies are matched.

    Further parameters that are the same in all setups of a study are left out, so that they do not
    prevent a match.
    """
    besides = [parameters_text(each.parameters, digits=digits) for each in setups]
    alike = len(set(besides)) == 1
    return [
        (setup.batch_size, setup.learning_rate, "" if alike else text)
        for setup, text in zip(setups, besides, strict=True)
    ]


def _published(studies: Sequence[Findings]) -> dict[str, dict[_Key, float]]:
    wanted = {paper_scenario(each.study.manifest) for each in studies}
    scenarios = [name for name in (PAMAP2, CELEBA) if name in wanted]
    return {
        f"{scenario if len(scenarios) > 1 else 'paper'} {hardware.upper()}": {
            (size, rate, ""): energy_j
            for (size, rate), energy_j in table_2_j(scenario, hardware).items()
        }
        for scenario in scenarios
        for hardware in Hardware
    }
