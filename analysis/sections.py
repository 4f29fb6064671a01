"""What stands on the page of a report, in its order: sections of prose, figures and tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from analysis.chart_style import Drawing
from analysis.findings import Findings
from analysis.paradigm_tables import paradigm_table_infos
from analysis.quantities import energy_text, percent_text
from analysis.search_tables import search_text
from analysis.tables import (
    TableInfo,
    energy_per_epoch_info,
    ranking_info,
    relative_total_info,
)

_HEROES = ("break_even_lines_classifier_frozen", "multitask_bars", "relative_energy")
"""The figure of the first screen: the first of these that the study has."""

_PRETRAINING_TABLES = (
    "break_even_classifier_frozen",
    "break_even_classifier_unfrozen",
    "frozen_encoder",
)


_Part = TypeVar("_Part", Drawing, TableInfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        name: Its anchor.
        short: Its name in the row of links.
        heading: Its heading.
        prose: What must be said before figures and tables are looked at, a paragraph each.
        drawings: Its figures.
        tables: Its tables.
        folded: Whether the tables repeat the figures and are folded away.
    """

    name: str
    short: str
    heading: str
    prose: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[TableInfo, ...] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """A number that stands beside the recommendation."""

    name: str
    value: str


def hero(drawings: Sequence[Drawing]) -> Drawing | None:
    """The figure of the first screen; None where there is nothing to draw."""
    by_name = {each.name: each for each in drawings}
    return next((by_name[name] for name in _HEROES if name in by_name), None)


def sections(findings: Findings, drawings: Sequence[Drawing]) -> tuple[Section, ...]:
    """All sections that have something to show."""
    first = hero(drawings)
    by_name = {each.name: each for each in drawings if each is not first}
    tables = {info.name: info for info in paradigm_table_infos(findings)}
    found = (
        _pretraining(by_name, tables),
        _multitask(by_name, tables),
        _search(findings, tables),
        _ranking(findings, by_name),
        _energy(findings, by_name),
        _over_time(by_name),
        _stages(tables),
    )
    return tuple(each for each in found if each.drawings or each.tables)


def key_figures(findings: Findings) -> tuple[KeyFigure, ...]:
    """The recommended setup in three numbers; none where nothing is recommended."""
    first = findings.ranking.first
    if first is None:
        return ()
    found = [
        KeyFigure(name="accuracy", value=percent_text(first.setup.accuracy)),
        KeyFigure(name=findings.titled("a training"), value=energy_text(first.setup.total_j)),
    ]
    if first.saving_against_worst:
        saved = percent_text(first.saving_against_worst, decimals=0)
        found.append(KeyFigure(name="less than the costliest", value=saved))
    return tuple(found)


def lead_and_rest(text: str) -> tuple[str, str]:
    """The first sentence of an advice, which a reader takes away, and the others."""
    first, *rest = re.split(r"(?<=[.!?]) (?=[A-Z`])", text, maxsplit=1)
    return first, "".join(rest)


def _pretraining(drawings: Mapping[str, Drawing], tables: Mapping[str, TableInfo]) -> Section:
    return Section(
        name="pretraining",
        short="Pretraining",
        heading="Does pretraining pay?",
        drawings=_present(drawings, *_HEROES[:1], "break_even_lines_classifier_unfrozen"),
        tables=_present(tables, *_PRETRAINING_TABLES),
    )


def _multitask(drawings: Mapping[str, Drawing], tables: Mapping[str, TableInfo]) -> Section:
    return Section(
        name="multitask",
        short="Multitask",
        heading="Tasks together or one by one?",
        drawings=_present(drawings, "multitask_bars"),
        tables=_present(tables, "tasks", "multitask"),
    )


def _search(findings: Findings, tables: Mapping[str, TableInfo]) -> Section:
    info = findings.paradigm.search
    return Section(
        name="search",
        short="Search",
        heading="What the search found, and what it spent",
        prose=() if info is None else (search_text(findings, info),),
        tables=_present(tables, "search_points", "search_hypervolume"),
    )


def _ranking(findings: Findings, drawings: Mapping[str, Drawing]) -> Section:
    return Section(
        name="ranked",
        short="Ranking",
        heading="Accuracy against energy",
        drawings=_present(drawings, "relative_energy", "pareto_front"),
        tables=(ranking_info(findings),),
    )


def _energy(findings: Findings, drawings: Mapping[str, Drawing]) -> Section:
    return Section(
        name="energy",
        short="Energy",
        heading="Energy by batch size and learning rate",
        drawings=_present(drawings, "energy_per_epoch_map", "total_energy_map"),
        tables=(energy_per_epoch_info(findings), relative_total_info(findings)),
        folded=True,
    )


def _over_time(drawings: Mapping[str, Drawing]) -> Section:
    curves = [name for name in drawings if name == "epochs" or name.startswith("epochs_")]
    return Section(
        name="time",
        short="Over time",
        heading="Over the epochs and seconds",
        drawings=_present(drawings, *curves, "power"),
    )


def _stages(tables: Mapping[str, TableInfo]) -> Section:
    return Section(
        name="all-stages",
        short="Stages",
        heading="All stages of all setups",
        tables=_present(tables, "stages"),
    )


def _present(found: Mapping[str, _Part], *names: str) -> tuple[_Part, ...]:
    return tuple(found[name] for name in names if name in found)
