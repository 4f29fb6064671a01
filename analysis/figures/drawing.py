"""Rendering of all figures of a study, each as SVG, PNG, CSV and Vega-Lite.

`draw` lists the figures; each is computed as a record first, then drawn. Importing this module takes
half a second, so only code that writes a report does.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict

from analysis.figures.answer import answer_info
from analysis.figures.answer_chart import answer_chart
from analysis.figures.contenders import contenders_chart, contenders_figure
from analysis.figures.epoch_curves import epoch_curves_infos
from analysis.figures.heat_map import energy_per_epoch_map, total_energy_map
from analysis.figures.joules import joules_chart, joules_info
from analysis.figures.power_curve import power_info
from analysis.figures.setup_charts import heat_map_chart, relative_energy_chart
from analysis.figures.setups import relative_energy_info
from analysis.figures.time_charts import epoch_curves_chart, power_chart
from analysis.findings import Findings
from analysis.forms.chart_style import Drawing, drawing
from analysis.multitask.charts import multitask_chart
from analysis.multitask.figures import multitask_bars_info
from analysis.pretraining.charts import break_even_chart, line_rows
from analysis.pretraining.figures import break_even_lines_infos

Draw = Callable[[Findings], tuple[Drawing, ...]]
"""Function that draws the figures of a study: `draw`, or a stand-in that draws fewer."""


def draw(findings: Findings) -> tuple[Drawing, ...]:
    """Draw all figures of a study; those without data are left out."""
    return (
        *_break_even(findings),
        *_multitask(findings),
        *_contenders(findings),
        *_relative_energy(findings),
        *_heat_maps(findings),
        *_answer(findings),
        *_joules(findings),
        *_epochs(findings),
        *_power(findings),
    )


def _break_even(findings: Findings) -> Iterator[Drawing]:
    pretraining = findings.paradigm.pretraining
    if pretraining is None:
        return
    for info in break_even_lines_infos(findings.study.manifest, pretraining, findings.labels):
        if info.cases:
            yield drawing(
                info.name,
                info.title,
                break_even_chart(info, findings.unit),
                line_rows(info),
                findings.labels,
            )


def _multitask(findings: Findings) -> Iterator[Drawing]:
    multitask = findings.paradigm.multitask
    if multitask is None:
        return
    info = multitask_bars_info(findings.study.manifest, multitask, findings.labels)
    if info.bars:
        rows = [asdict(bar) for bar in info.bars]
        yield drawing(
            info.name, info.title, multitask_chart(info, findings.unit), rows, findings.labels
        )


def _contenders(findings: Findings) -> Iterator[Drawing]:
    info = contenders_figure(findings)
    if info is not None and info.contenders:
        rows = [asdict(each) for each in info.contenders]
        yield drawing("answer", info.title, contenders_chart(info), rows, findings.labels)


def _relative_energy(findings: Findings) -> Iterator[Drawing]:
    info = relative_energy_info(findings)
    if any(bar.percent is not None for bar in info.bars):
        rows = [info.form.named(asdict(bar)) for bar in info.bars]
        yield drawing(
            "relative_energy", info.title, relative_energy_chart(info), rows, findings.labels
        )


def _heat_maps(findings: Findings) -> Iterator[Drawing]:
    for info in (energy_per_epoch_map(findings), total_energy_map(findings)):
        if info.is_grid and any(cell.value is not None for cell in info.cells):
            rows = [asdict(cell) for cell in info.cells]
            yield drawing(info.name, info.title, heat_map_chart(info), rows, findings.labels)


def _answer(findings: Findings) -> Iterator[Drawing]:
    info = answer_info(findings)
    if info is not None:
        rows = [info.form.named(asdict(point)) for point in info.points]
        yield drawing("pareto_front", info.title, answer_chart(info), rows, findings.labels)


def _joules(findings: Findings) -> Iterator[Drawing]:
    info = joules_info(findings)
    if info is not None:
        rows = [asdict(each) for each in info.slices]
        yield drawing("where_joules_go", info.title, joules_chart(info), rows, findings.labels)


def _epochs(findings: Findings) -> Iterator[Drawing]:
    for info in epoch_curves_infos(findings):
        if any(point.energy is not None for point in info.points):
            rows = [info.form.named(asdict(point)) for point in info.points]
            yield drawing(info.name, info.title, epoch_curves_chart(info), rows, findings.labels)


def _power(findings: Findings) -> Iterator[Drawing]:
    info = power_info(findings)
    if info is not None:
        rows = [asdict(point) for point in info.points]
        yield drawing("power", info.title, power_chart(info), rows, findings.labels)
