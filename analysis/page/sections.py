"""Sections of a report's page, in order: text, figures and tables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from analysis.energy.savings import Saving
from analysis.findings import Findings
from analysis.forms.cells import TableInfo
from analysis.forms.chart_style import Drawing
from analysis.multitask.together import MultitaskInfo
from analysis.pretraining.info import PretrainingInfo
from analysis.quantities import energy_text, percent_text
from analysis.search.tables import search_text
from analysis.tables.against_paper import against_paper_infos, differences
from analysis.tables.components import components_info
from analysis.tables.contenders import contenders_info
from analysis.tables.metrics import metrics_info
from analysis.tables.power_limits import power_limits_info
from analysis.tables.published import INCONSISTENCIES
from analysis.tables.setups import energy_per_epoch_info, ranking_info, relative_total_info
from analysis.tables.stages import paradigm_table_infos
from study.inference.choice import probability_text

_HEROES = (
    "break_even_lines_classifier_frozen",
    "multitask_bars",
    "pareto_front",
    "answer",
    "relative_energy",
)
"""Candidates for the main figure of the page; the first that the study has is used."""

_PRETRAINING_TABLES = (
    "break_even_classifier_frozen",
    "break_even_classifier_unfrozen",
    "frozen_encoder",
)


_Part = TypeVar("_Part", Drawing, TableInfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of the page.

    Attributes:
        name: Anchor of the section.
        short: Name in the navigation bar.
        heading: Heading of the section.
        prose: Text before figures and tables, one paragraph each.
        drawings: Figures of the section.
        tables: Tables of the section.
        folded: Label of the fold that hides the tables; empty if they are shown at once.
        folded_drawings: Figures inside the same fold.
    """

    name: str
    short: str
    heading: str
    prose: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[TableInfo, ...] = ()
    folded: str = ""
    folded_drawings: tuple[Drawing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """A key figure: a number shown in large type below the recommendation."""

    name: str
    value: str


def hero(drawings: Sequence[Drawing]) -> Drawing | None:
    """Return the main figure of the page; None if the study has none of the candidates."""
    by_name = {each.name: each for each in drawings}
    return next((by_name[name] for name in _HEROES if name in by_name), None)


def sections(
    findings: Findings,
    drawings: Sequence[Drawing],
    *,
    paper: bool = False,
    factors: TableInfo | None = None,
) -> tuple[Section, ...]:
    """Return all sections that have a figure or a table.

    Args:
        findings: Results of `analysis.analyse`.
        drawings: The study's figures.
        paper: Whether to show the paper's published numbers too.
        factors: Table of the analysis of variance; None to leave it out.
    """
    first = hero(drawings)
    by_name = {each.name: each for each in drawings if each is not first}
    tables = {info.name: info for info in paradigm_table_infos(findings)}
    found = (
        _pretraining(by_name, tables),
        _multitask(by_name, tables),
        _search(findings, tables),
        _ranking(findings, by_name),
        _energy(findings, by_name),
        *([_factors(factors)] if factors else []),
        _over_time(by_name),
        _stages(findings, tables),
        *([_paper(findings)] if paper else []),
    )
    return tuple(each for each in found if each.drawings or each.folded_drawings or each.tables)


def key_figures(findings: Findings) -> tuple[KeyFigure, ...]:
    """Return the study's key figures; fewer if some are unknown."""
    paradigm = findings.paradigm
    if paradigm.pretraining is not None:
        return tuple(_pretraining_keys(findings, paradigm.pretraining))
    if paradigm.multitask is not None:
        return tuple(_multitask_keys(findings, paradigm.multitask))
    return tuple(_regime_keys(findings))


def advice_parts(text: str) -> tuple[str, str, str]:
    """Split a recommendation into its first sentence, the next two, and the rest."""
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z`])", _unbroken(text))
    return sentences[0], " ".join(sentences[1:3]), " ".join(sentences[3:])


def _unbroken(text: str) -> str:
    """Join numbers and their units with no-break spaces, so that they stay on one line."""
    return re.sub(r"(?<=\d) (?=%|[mk]?Wh\b)", "\N{NO-BREAK SPACE}", text)


def _regime_keys(findings: Findings) -> Iterator[KeyFigure]:
    first = findings.ranking.first
    if first is None:
        return
    yield KeyFigure(
        name=f"{findings.score.name} in validation", value=findings.score.text(first.setup.accuracy)
    )
    yield KeyFigure(
        name=findings.titled("a training"), value=energy_text(first.setup.total_j, findings.unit)
    )
    ranking = findings.ranking
    costliest = None if ranking.worst is None else ranking.worst.setup
    ties = {row.setup.setup for row in ranking.rows if row.ties_with_first}
    if ranking.probability_right is not None:
        yield KeyFigure(
            name="probability that it is right", value=probability_text(ranking.probability_right)
        )
    elif first.saving_against_worst and costliest not in ties:
        saved = percent_text(first.saving_against_worst, decimals=0)
        yield KeyFigure(name="less than the costliest", value=saved)


def _pretraining_keys(findings: Findings, info: PretrainingInfo) -> Iterator[KeyFigure]:
    frozen = info.frozen
    yield KeyFigure(name="setups in which it pays", value=f"{frozen.pays} of {len(frozen.rows)}")
    if frozen.pooled is not None and frozen.pooled.pays:
        yield KeyFigure(name="trainings until it pays", value=f"{frozen.pooled.cycles:.1f}")
    yield from _saving_key(info.freezing.over_setups, findings.titled("by a frozen encoder"))


def _multitask_keys(findings: Findings, info: MultitaskInfo) -> Iterator[KeyFigure]:
    yield from _saving_key(info.over_setups, findings.titled("by training together"))
    score = findings.score
    for task, change in info.changes.items():
        yield KeyFigure(name=f"{score.name} of {task}", value=score.change_text(change.shortfall))


def _saving_key(saving: Saving | None, how: str) -> Iterator[KeyFigure]:
    # A saving that the recommendation calls indistinguishable from 0 must not be a key figure.
    if saving is None or saving.share is None or (saving.interval and not saving.excludes_zero):
        return
    word = "saved" if saving.share >= 0 else "more"
    yield KeyFigure(name=f"{word} {how}", value=percent_text(abs(saving.share), decimals=0))


def _pretraining(drawings: Mapping[str, Drawing], tables: Mapping[str, TableInfo]) -> Section:
    return Section(
        name="pretraining",
        short="Pretraining",
        heading="Does pretraining pay?",
        drawings=_present(drawings, *_HEROES[:1]),
        tables=_present(tables, *_PRETRAINING_TABLES),
        folded="Each setup, frozen and unfrozen",
        folded_drawings=_present(drawings, "break_even_lines_classifier_unfrozen"),
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
        prose=()
        if info is None
        else (search_text(info, findings.study.manifest, findings.labels, findings.unit),),
        tables=_present(tables, "search_points", "search_hypervolume"),
    )


def _ranking(findings: Findings, drawings: Mapping[str, Drawing]) -> Section:
    contenders = contenders_info(findings)
    return Section(
        name="ranked",
        short="Ranking",
        heading=f"{findings.score.title} against energy",
        drawings=_present(drawings, "answer", "pareto_front", "relative_energy"),
        tables=(
            *([contenders] if contenders else []),
            ranking_info(findings),
            *([limits] if (limits := power_limits_info(findings)) else []),
            *([metrics] if (metrics := metrics_info(findings)) else []),
        ),
        folded="" if findings.ranked_stage is None else "Contenders, and all setups in order",
    )


def _energy(findings: Findings, drawings: Mapping[str, Drawing]) -> Section:
    maps = _present(drawings, "energy_per_epoch_map", "total_energy_map")
    joules = _present(drawings, "where_joules_go")
    return Section(
        name="energy",
        short="Energy",
        heading="Energy by setup",
        prose=(findings.scopes,) if findings.scopes else (),
        drawings=(*maps, *joules),
        tables=(
            energy_per_epoch_info(findings),
            relative_total_info(findings),
            *([components] if (components := components_info(findings)) else []),
        ),
        folded="The same as tables" if maps else "",
    )


def _factors(table: TableInfo) -> Section:
    return Section(
        name="deciding",
        short="Factors",
        heading="What decides energy and duration",
        tables=(table,),
    )


def _over_time(drawings: Mapping[str, Drawing]) -> Section:
    curves = [name for name in drawings if name == "epochs" or name.startswith("epochs_")]
    several = len(curves) > 1
    return Section(
        name="time",
        short="Over time",
        heading="Over the epochs and seconds",
        drawings=_present(drawings, *([] if several else curves), "power"),
        folded="Energy and accuracy over the epochs of each stage" if several else "",
        folded_drawings=_present(drawings, *(curves if several else [])),
    )


def _stages(findings: Findings, tables: Mapping[str, TableInfo]) -> Section:
    return Section(
        name="all-stages",
        short="Stages",
        heading="All stages of all setups",
        tables=_present(tables, "stages"),
        folded=f"Energy, epochs and {findings.score.name} of each stage",
    )


def _paper(findings: Findings) -> Section:
    return Section(
        name="paper",
        short="Paper",
        heading="Beside the published numbers",
        prose=(
            *differences(findings),
            *(f"In the paper: {each}" for each in INCONSISTENCIES),
        ),
        tables=against_paper_infos(findings),
    )


def _present(found: Mapping[str, _Part], *names: str) -> tuple[_Part, ...]:
    return tuple(found[name] for name in names if name in found)
