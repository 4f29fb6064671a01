"""The figures of pretraining and multitask as records (paper, Figures 4 and 5)."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.findings import Findings
from analysis.forms.series import series_of
from analysis.multitask.together import MultitaskInfo, SetupMultitask
from analysis.pretraining.break_even import BreakEvenInfo, SetupBreakEven, break_even
from analysis.quantities import counted, to_wh
from analysis.tables.stages import break_even_line, saving_line
from study.record.records import J_PER_WH, Stage

# How far a panel goes beyond the break-even, as a share of it.
_BEYOND = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenCase:
    """One panel of Figure 4: energy over the number of trainings, with and without pretraining.

    With pretraining it is `encoder_wh + n * classifier_wh`, without `n * together_wh`.

    Attributes:
        case: `best`, `average` or `worst`.
        label: Which setup it is, or of how many the energies are averaged.
        encoder_wh: Energy of pretraining the encoder.
        classifier_wh: Energy of training a classifier on it.
        together_wh: Energy of training both from scratch.
        cycles: Where the lines cross.
        pays_at: First whole number of trainings after which pretraining has paid.
        crossing_wh: Energy at the crossing.
        last_cycle: How far the lines are drawn.
    """

    case: str
    label: str
    encoder_wh: float
    classifier_wh: float
    together_wh: float
    cycles: float
    pays_at: int
    crossing_wh: float
    last_cycle: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenLinesInfo:
    """Figure 4 before it is drawn, for one kind of classifier.

    Attributes:
        name: Short; the name of its files.
        title: With labels.
        cases: Best, average and worst of the setups that pay; one where only one pays.
        note: What the setups say together, those that never pay included.
    """

    name: str
    title: str
    cases: tuple[BreakEvenCase, ...]
    note: str


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


def break_even_lines_infos(findings: Findings) -> tuple[BreakEvenLinesInfo, ...]:
    """Figure 4 with the frozen classifier, as in the paper, and with the unfrozen one."""
    pretraining = findings.paradigm.pretraining
    if pretraining is None:
        return ()
    return tuple(
        BreakEvenLinesInfo(
            name=f"break_even_lines_{info.cycle.value.replace('-', '_')}",
            title=findings.titled(f"When pretraining pays, {info.cycle} in each cycle"),
            cases=tuple(_cases(findings, info)),
            note=_sentence(break_even_line(info)),
        )
        for info in (pretraining.frozen, pretraining.unfrozen)
    )


def multitask_bars_info(findings: Findings) -> MultitaskBarsInfo | None:
    """Figure 5; None where the study is not of several tasks."""
    multitask = findings.paradigm.multitask
    if multitask is None:
        return None
    return MultitaskBarsInfo(
        name="multitask_bars",
        title=findings.titled("Energy of a training: tasks one by one and together"),
        bars=tuple(_bars(findings, multitask)),
        note=_sentence(saving_line("training together", multitask.over_setups)),
    )


def _sentence(line: str) -> str:
    return f"{line[0].upper()}{line[1:]}."


def _cases(findings: Findings, info: BreakEvenInfo) -> Iterator[BreakEvenCase]:
    paying = [row for row in info.rows if row.of_means.cycles is not None]
    if info.best is None or info.worst is None:
        return
    series = series_of(findings.study.manifest)

    def setup(row: SetupBreakEven) -> str:
        return f"setup {row.setup}, {row.batch_size} x {series(row.setup, row.learning_rate)}"

    if len(paying) == 1:
        yield from _case("best", setup(info.best), [info.best])
        return
    yield from _case("best", setup(info.best), [info.best])
    yield from _case("average", f"mean energies of {counted(len(paying), 'setup')}", paying)
    yield from _case("worst", setup(info.worst), [info.worst])


def _case(case: str, label: str, rows: Sequence[SetupBreakEven]) -> Iterator[BreakEvenCase]:
    """The case of the rows' mean energies; none where their means do not pay."""
    encoder_j, together_j, classifier_j = (
        statistics.fmean(value for row in rows if (value := getattr(row, name)) is not None)
        for name in ("encoder_j", "together_j", "classifier_j")
    )
    found = break_even(encoder_j, together_j, classifier_j)
    if found.cycles is None or found.pays_at is None:
        return
    yield BreakEvenCase(
        case=case,
        label=label,
        encoder_wh=encoder_j / J_PER_WH,
        classifier_wh=classifier_j / J_PER_WH,
        together_wh=together_j / J_PER_WH,
        cycles=found.cycles,
        pays_at=found.pays_at,
        crossing_wh=found.cycles * together_j / J_PER_WH,
        last_cycle=max(math.ceil(_BEYOND * found.cycles), 2),
    )


def _bars(findings: Findings, info: MultitaskInfo) -> Iterator[MultitaskBar]:
    series = series_of(findings.study.manifest)
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
