"""Figures of pretraining as records (paper, Figure 4); `analysis.pretraining.charts` draws them."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.forms.series import (
    series_of,
    setup_name,
)
from analysis.forms.titles import titled
from analysis.pretraining.break_even import BreakEvenInfo, SetupBreakEven, break_even
from analysis.pretraining.info import PretrainingInfo
from analysis.pretraining.tables import break_even_line
from analysis.quantities import count_text, sentence
from study.record.files import J_PER_WH
from study.record.manifest import Manifest

# Length of a panel's x axis, as a multiple of the break-even.
_BEYOND = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenCase:
    """One panel of Figure 4: energy over the number of trainings, with and without pretraining.

    For n trainings it is `encoder_wh + n * classifier_wh` with pretraining, `n * from_scratch_wh` without.

    Attributes:
        case: `best`, `average` or `worst`.
        label: The setup, or the number of setups that are averaged.
        encoder_wh: Energy of pretraining the encoder.
        classifier_wh: Energy of training a classifier on the encoder.
        from_scratch_wh: Energy of training both from scratch.
        cycles: Number of trainings at which the lines cross, a real number.
        pays_at: First whole number of trainings after which pretraining has paid off.
        crossing_wh: Energy at the crossing.
        last_cycle: Number of trainings up to which the lines are drawn.
    """

    case: str
    label: str
    encoder_wh: float
    classifier_wh: float
    from_scratch_wh: float
    cycles: float
    pays_at: int
    crossing_wh: float
    last_cycle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenLinesInfo:
    """Data of Figure 4, for one kind of classifier.

    Attributes:
        name: Name of its files, without suffix.
        title: Title with the study's labels.
        cases: Best, average and worst of the setups in which pretraining pays; a single case if there
            is only one such setup, empty if there is none.
        note: Summary over all setups, including those in which pretraining never pays.
    """

    name: str
    title: str
    cases: tuple[BreakEvenCase, ...]
    note: str


def break_even_lines_infos(
    manifest: Manifest, pretraining: PretrainingInfo, labels: Sequence[str]
) -> tuple[BreakEvenLinesInfo, ...]:
    """Compute Figure 4 with the frozen classifier, as in the paper, and with the unfrozen one."""
    return tuple(
        BreakEvenLinesInfo(
            name=f"break_even_lines_{info.cycle.value.replace('-', '_')}",
            title=titled(f"When pretraining pays, {info.cycle} in each cycle", labels),
            cases=tuple(_cases(manifest, info)),
            note=sentence(break_even_line(info)),
        )
        for info in (pretraining.frozen, pretraining.unfrozen)
    )


def _cases(manifest: Manifest, info: BreakEvenInfo) -> Iterator[BreakEvenCase]:
    paying = [row for row in info.rows if row.of_means.cycles is not None]
    if info.best is None or info.worst is None:
        return
    series = series_of(manifest)

    def setup(row: SetupBreakEven) -> str:
        name = setup_name(row.batch_size, series(row.setup, row.learning_rate))
        return f"setup {row.setup}, {name}"

    if len(paying) == 1:
        yield from _case("best", setup(info.best), [info.best])
        return
    yield from _case("best", setup(info.best), [info.best])
    yield from _case("average", f"mean energies of {count_text(len(paying), 'setup')}", paying)
    yield from _case("worst", setup(info.worst), [info.worst])


def _case(case: str, label: str, rows: Sequence[SetupBreakEven]) -> Iterator[BreakEvenCase]:
    """Yield the case of the rows' mean energies; nothing if pretraining does not pay by these means."""
    encoder_j, from_scratch_j, classifier_j = (
        statistics.fmean(value for row in rows if (value := getattr(row, name)) is not None)
        for name in ("encoder_j", "from_scratch_j", "classifier_j")
    )
    found = break_even(encoder_j, from_scratch_j, classifier_j)
    if found.cycles is None or found.pays_at is None:
        return
    yield BreakEvenCase(
        case=case,
        label=label,
        encoder_wh=encoder_j / J_PER_WH,
        classifier_wh=classifier_j / J_PER_WH,
        from_scratch_wh=from_scratch_j / J_PER_WH,
        cycles=found.cycles,
        pays_at=found.pays_at,
        crossing_wh=found.cycles * from_scratch_j / J_PER_WH,
        last_cycle=max(math.ceil(_BEYOND * found.cycles), 2),
    )
