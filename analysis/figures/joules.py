"""Figure of a study's energy by use: a stacked bar for each setup, of components and other uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis.energy.scopes import WORDS, is_estimated, measured_components
from analysis.energy.where import AROUND, REST, where_joules_go
from analysis.findings import Findings
from analysis.forms.chart_style import FAINT, GRID, INK, MUTED, SERIES, styled
from analysis.forms.series import (
    names_title,
    series_of,
    setup_name,
)
from analysis.forms.table_unit import TableUnit
from analysis.read.load import load_windows
from study.record.files import J_PER_WH

NAMES = {"gpu": "GPU", "cpu": "CPU", "memory": "memory", REST: REST}
COLOURS = (*SERIES[:3], FAINT, MUTED, INK, GRID, SERIES[4])
"""Colours of the components, the rest of the node, and the uses around the epochs (`AROUND`)."""

_BAR_STEP, _HEIGHT = 48, 280


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A segment of a setup's stacked bar.

    Attributes:
        setup: Number of the setup.
        label: Name of the setup on the axis.
        part: A component, or a use of energy around the epochs.
        energy_wh: Energy of the part, mean over the setup's trials.
    """

    setup: int
    label: str
    part: str
    energy_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JoulesInfo:
    """Data of the figure of energy by use.

    Attributes:
        title: Title with the study's labels.
        slices: Segments from the bottom up, setup by setup.
        unit: Unit of the axis.
        ranks: Energy scope that ranks, in words.
    """

    title: str
    slices: tuple[Slice, ...]
    unit: TableUnit
    ranks: str


def joules_info(findings: Findings) -> JoulesInfo | None:
    """Compute the figure of energy by use.

    Returns:
        The data; None if fewer than two components were measured, if there are no windows, or if no
        setup has all parts.
    """
    study = findings.study
    windows = load_windows(study.path)
    measured = measured_components(study)
    if len(measured) < 2 or windows is None:  # noqa: PLR2004 - a single one is in every other figure
        return None
    names = {
        part: f"{name}, estimated" if is_estimated(study, part) else name
        for part, name in NAMES.items()
    }
    facts = {each.setup: each for each in study.manifest.setups}
    series = series_of(study.manifest)
    slices = tuple(
        Slice(
            setup=piece.setup,
            label=setup_name(
                facts[piece.setup].batch_size,
                series(piece.setup, facts[piece.setup].learning_rate),
            ),
            part=names.get(piece.part, piece.part),
            energy_wh=piece.energy_j / J_PER_WH,
        )
        for piece in where_joules_go(study, windows)
        if piece.setup in facts
    )
    if not slices:
        return None
    totals: dict[int, float] = {}
    for each in slices:
        totals[each.setup] = totals.get(each.setup, 0.0) + each.energy_wh * J_PER_WH
    return JoulesInfo(
        title=findings.titled("Where the joules go: mean of a trial, with all that it used"),
        slices=slices,
        unit=TableUnit.of(totals.values(), study.unit),
        ranks=WORDS[study.manifest.energy_of],
    )


def joules_chart(info: JoulesInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw stacked bars, with the components at the bottom and the uses around the epochs on top."""
    per_wh = J_PER_WH / info.unit.joules
    order = list(dict.fromkeys(each.part for each in info.slices))
    rows: list[Mapping[str, Any]] = [
        {
            "setup": f"{each.setup}: {each.label}",
            "part": each.part,
            "energy": each.energy_wh * per_wh,
            "place": order.index(each.part),
            "words": f"Setup {each.setup}: {each.part} {each.energy_wh * per_wh:.4g} {info.unit.name}",
        }
        for each in info.slices
    ]
    labels = list(dict.fromkeys(str(row["setup"]) for row in rows))
    inner = [each for each in order if each not in AROUND]
    colours = [*COLOURS[: len(inner)], *COLOURS[4:]]
    bars = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(stroke=INK, strokeWidth=0.3)
        .encode(
            x=alt.X(
                "setup:N",
                sort=labels,
                title=f"setup: {names_title(labels)}",
                axis=alt.Axis(labelAngle=-45),
            ),
            y=alt.Y("energy:Q", title=f"Energy of a trial, {info.unit.name}"),
            color=alt.Color(
                "part:N",
                title=None,
                sort=order,
                scale=alt.Scale(domain=order, range=colours[: len(order)]),
            ),
            order=alt.Order("place:Q"),
            description="words:N",
        )
        .properties(width=alt.Step(_BAR_STEP), height=_HEIGHT)
    )
    notes = [
        "Components in the epochs that count; above them tests, set-up, what was drawn between epochs, and lost attempts.",
        f"Setups are ranked by the energy of {info.ranks} in the epochs. One of which a part is not known is left out.",
    ]
    return styled(bars, info.title, notes)
