"""Heat map of a quantity by batch size and learning rate, as a record (paper, Table 2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.energy.by_setup import mwh_per_epoch, percent_of_worst
from analysis.findings import Findings
from analysis.forms.series import series_of
from analysis.quantities import MISSING, decimals_for, number_text
from study.record.files import J_PER_MWH


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    """A setup in a heat map.

    Attributes:
        setup: Number of the setup.
        batch_size: Batch size, its row; None if the setup has none.
        series: Learning rate and further parameters, its column.
        value: Value in the map's unit; None if unknown.
        text: Value as the map shows it.
        chosen: Whether it is the recommended setup.
    """

    setup: int
    batch_size: int | None
    series: str
    value: float | None
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMapInfo:
    """Data of a heat map.

    Attributes:
        name: Name of its files, without suffix.
        title: Title with the unit and the study's labels.
        cells: Cells in the order of the setups.
    """

    name: str
    title: str
    cells: tuple[HeatCell, ...]

    @property
    def is_grid(self) -> bool:
        """Return whether setups fill at least half of the map, which a search's usually do not."""
        rows = len({cell.batch_size for cell in self.cells})
        columns = len({cell.series for cell in self.cells})
        return 2 * len(self.cells) >= rows * columns


def energy_per_epoch_map(findings: Findings) -> HeatMapInfo:
    """Compute the heat map of mean energy per epoch (paper, Table 2)."""
    unit = findings.unit
    values = {
        setup: None if mwh is None else mwh * J_PER_MWH / unit.joules
        for setup, mwh in mwh_per_epoch(findings.setups).items()
    }
    return _map(
        findings,
        name="energy_per_epoch_map",
        title=findings.staged(f"Energy per epoch, {unit.name}"),
        values=values,
        decimals=decimals_for(values.values()),
    )


def total_energy_map(findings: Findings) -> HeatMapInfo:
    """Compute the heat map of total energy in percent of the worst setup."""
    values = percent_of_worst(findings.setups)
    return _map(
        findings,
        name="total_energy_map",
        title=findings.staged("Energy of a whole training, % of the worst setup"),
        values=values,
        decimals=1,
    )


def _map(
    findings: Findings, *, name: str, title: str, values: Mapping[int, float | None], decimals: int
) -> HeatMapInfo:
    series = series_of(findings.study.manifest)
    return HeatMapInfo(
        name=name,
        title=title,
        cells=tuple(
            HeatCell(
                setup=each.setup,
                batch_size=each.batch_size,
                series=series(each.setup, each.learning_rate),
                value=values[each.setup],
                text=MISSING
                if values[each.setup] is None
                else number_text(values[each.setup], decimals),
                chosen=each.setup == findings.recommendation.setup,
            )
            for each in findings.setups
        ),
    )
