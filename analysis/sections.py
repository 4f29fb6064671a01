"""What stands on the page of a report, in its order: sections of prose, figures and tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.chart_style import Drawing
from analysis.findings import Findings
from analysis.quantities import energy_text, percent_text
from analysis.tables import (
    TableInfo,
    energy_per_epoch_info,
    ranking_info,
    relative_total_info,
)

_HERO = "relative_energy"


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
    return next((each for each in drawings if each.name == _HERO), None)


def sections(findings: Findings, drawings: Sequence[Drawing]) -> tuple[Section, ...]:
    """All sections that have something to show."""
    by_name = {each.name: each for each in drawings}
    found = (
        _ranking(findings, by_name),
        _energy(findings, by_name),
        _over_time(by_name),
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


def _ranking(findings: Findings, drawings: Mapping[str, Drawing]) -> Section:
    return Section(
        name="ranked",
        short="Ranking",
        heading="Accuracy against energy",
        drawings=_present(drawings, "pareto_front"),
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


def _present(drawings: Mapping[str, Drawing], *names: str) -> tuple[Drawing, ...]:
    return tuple(drawings[name] for name in names if name in drawings)
