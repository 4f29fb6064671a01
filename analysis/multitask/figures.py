"""Figure of multitask as a record (paper, Figure 5); `analysis.multitask.charts` draws it."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.forms.saving_cells import saving_line
from analysis.forms.series import series_of
from analysis.forms.titles import titled
from analysis.multitask.together import MultitaskInfo, SetupMultitask
from analysis.quantities import sentence, to_wh
from study.record.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskBar:
    """One segment of a stacked bar of Figure 5.

    Attributes:
        setup: Number of the setup.
        batch_size: Batch size, which has a panel of its own; None if the setup has none.
        series: Learning rate and further parameters of the setup.
        way: The bar that it belongs to: `one by one` or `together`.
        task: Name of the task, or of the stage that trains all.
        from_wh: Lower end of the segment.
        to_wh: Upper end of the segment.
    """

    setup: int
    batch_size: int | None
    series: str
    way: str
    task: str
    from_wh: float
    to_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskBarsInfo:
    """Data of Figure 5.

    Attributes:
        name: Name of its files, without suffix.
        title: Title with the study's labels.
        bars: Segments by setup; setups with an unknown energy are left out.
        tasks: Names of the tasks, and last the stage that trains all.
        note: Sentence on the energy saved over all setups.
    """

    name: str
    title: str
    bars: tuple[MultitaskBar, ...]
    tasks: tuple[str, ...]
    note: str


def multitask_bars_info(
    manifest: Manifest, multitask: MultitaskInfo, labels: Sequence[str]
) -> MultitaskBarsInfo:
    """Compute Figure 5: for each setup a bar for the tasks one by one and one for all together."""
    return MultitaskBarsInfo(
        name="multitask_bars",
        title=titled("Energy of a training: tasks one by one and together", labels),
        bars=tuple(_bars(manifest, multitask)),
        tasks=tuple(each.task for each in multitask.tasks),
        note=sentence(saving_line("training together", multitask.over_setups)),
    )


def _bars(manifest: Manifest, info: MultitaskInfo) -> Iterator[MultitaskBar]:
    series = series_of(manifest)
    for row in info.rows:
        energies = _energies_wh(row)
        if energies is None:
            continue
        *alone, together = energies
        ends = list(itertools.accumulate(alone))
        pieces = [
            ("one by one", task, start, end)
            for task, start, end in zip(info.names, [0.0, *ends[:-1]], ends, strict=True)
        ]
        pieces.append(("together", info.tasks[-1].task, 0.0, together))
        for way, task, start, end in pieces:
            yield MultitaskBar(
                setup=row.setup,
                batch_size=row.batch_size,
                series=series(row.setup, row.learning_rate),
                way=way,
                task=task,
                from_wh=start,
                to_wh=end,
            )


def _energies_wh(row: SetupMultitask) -> list[float] | None:
    """Return the mean energies of each task and of all together; None if one of them is unknown."""
    means = [None if (spread := each.energy_j) is None else spread.mean for each in row.stages]
    known = [wh for mean in means if (wh := to_wh(mean)) is not None]
    return known if len(known) == len(means) else None
