"""The figure of multitask as a record (paper, Figure 5); `charts` draws it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.forms.saving_cells import saving_line
from analysis.forms.series import series_of
from analysis.forms.titles import titled
from analysis.multitask.together import MultitaskInfo, SetupMultitask
from analysis.quantities import sentence, to_wh
from study.record.manifest import Manifest
from study.record.records import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskBar:
    """One piece of a bar of Figure 5.

    Attributes:
        setup: Number of the setup.
        batch_size: The panel that it stands in.
        series: Learning rate, and what else the setup chooses.
        way: `one by one` or `together`: the bar.
        task: Attributes, identity or both: the piece.
        from_wh: Where the piece begins.
        to_wh: Where it ends.
    """

    setup: int
    batch_size: int
    series: str
    way: str
    task: str
    from_wh: float
    to_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskBarsInfo:
    """Figure 5 before it is drawn.

    Attributes:
        name: Short; the name of its files.
        title: With labels.
        bars: By setup; a setup that lacks an energy of the three has none.
        note: What is saved over all setups.
    """

    name: str
    title: str
    bars: tuple[MultitaskBar, ...]
    note: str


def multitask_bars_info(
    manifest: Manifest, multitask: MultitaskInfo, labels: Sequence[str]
) -> MultitaskBarsInfo:
    """Figure 5: a bar for the tasks one by one and one for both together."""
    return MultitaskBarsInfo(
        name="multitask_bars",
        title=titled("Energy of a training: tasks one by one and together", labels),
        bars=tuple(_bars(manifest, multitask)),
        note=sentence(saving_line("training together", multitask.over_setups)),
    )


def _bars(manifest: Manifest, info: MultitaskInfo) -> Iterator[MultitaskBar]:
    series = series_of(manifest)
    for row in info.rows:
        energies = _energies_wh(row)
        if energies is None:
            continue
        attributes, identity, both = energies
        pieces = (
            ("one by one", Stage.ATTRIBUTES, 0.0, attributes),
            ("one by one", Stage.IDENTITY, attributes, attributes + identity),
            ("together", Stage.BOTH, 0.0, both),
        )
        for way, task, start, end in pieces:
            yield MultitaskBar(
                setup=row.setup,
                batch_size=row.batch_size,
                series=series(row.setup, row.learning_rate),
                way=way,
                task=task.value,
                from_wh=start,
                to_wh=end,
            )


def _energies_wh(row: SetupMultitask) -> tuple[float, float, float] | None:
    """Mean energies of attributes, identity and both; None where one of them is not known."""
    means = {each.stage: each.energy_j for each in row.stages}
    found = [
        to_wh(None if (spread := means.get(stage)) is None else spread.mean)
        for stage in (Stage.ATTRIBUTES, Stage.IDENTITY, Stage.BOTH)
    ]
    attributes, identity, both = found
    if attributes is None or identity is None or both is None:
        return None
    return attributes, identity, both
