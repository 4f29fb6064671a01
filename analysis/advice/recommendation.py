"""The advice in plain words, and what a reader must know before acting on it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from analysis.advice.carbon import Factors
from analysis.advice.footprint_text import footprint_text, saved_text
from analysis.energy.ranking import RankedSetup, Ranking, saving, saving_interval
from analysis.energy.spread import FEW
from analysis.energy.totals import SetupEnergy
from analysis.paradigms import ParadigmInfo, paradigm_advice
from analysis.quantities import (
    counted,
    energy_text,
    factor_text,
    learning_rate_text,
    listed,
    parameters_text,
    percent_text,
)
from analysis.read.load import Study
from study.record.records import EnergyMethod, Paradigm, StopReason, TrialStatus

# Below this a sensor that is read some ten times a second, or a counter that is refreshed as
# often, sees too little of an epoch.
SHORT_EPOCH_S = 2.0

# A saving from which on the costliest is 1.1 times as costly: less is no factor to tell.
_TOLD_AS_FACTOR = 0.09

MANY_CUT_OFF = 0.5
"""From this share on, trainings that were cut off are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Which setup to use.

    Attributes:
        setup: Number of the setup; None where the study does not allow an advice.
        text: One paragraph.
        caveats: What limits the advice, a sentence each, the weightiest first.
    """

    setup: int | None
    text: str
    caveats: tuple[str, ...]


def recommend(
    study: Study,
    setups: Sequence[SetupEnergy],
    ranking: Ranking,
    *,
    paradigm: ParadigmInfo,
    stage: str | None = None,
    factors: Factors | None = None,
) -> Recommendation:
    """Put what the paradigm comes to, and the first place of a ranking, into words.

    Args:
        study: The study.
        setups: Its setups, of the ranked stage.
        ranking: Their order.
        paradigm: What its stages say.
        stage: The ranked stage, where trials have several.
        factors: What turns energy into greenhouse gas and money, if that is asked for.
    """
    first = ranking.first
    about = _refusal(study, setups) if first is None else _advice(study, first, ranking, factors)
    return Recommendation(
        setup=None if first is None else first.setup.setup,
        text=" ".join([*paradigm_advice(paradigm), _of_stage(about, stage)]),
        caveats=tuple(_caveats(study, setups, ranking)),
    )


def _of_stage(text: str, stage: str | None) -> str:
    """The advice as one about a stage: `For the stage both, use ...`."""
    return text if stage is None else f"For the stage {stage}: {text[0].lower()}{text[1:]}"


def setup_text(setup: SetupEnergy) -> str:
    """A setup by its parameters."""
    besides = parameters_text(setup.parameters)
    rate = learning_rate_text(setup.learning_rate)
    if besides:
        return f"batch size {setup.batch_size}, learning rate {rate} and {besides}"
    return f"batch size {setup.batch_size} and learning rate {rate}"


def _advice(study: Study, first: RankedSetup, ranking: Ranking, factors: Factors | None) -> str:
    setup = first.setup
    sentences = [
        (
            f"Use {setup_text(setup)} (setup {setup.setup}): "
            f"{percent_text(setup.accuracy)} accuracy for {_energy(study, setup)} per training."
        )
    ]
    sentences.extend(_against_best(first, ranking))
    sentences.extend(_against_worst(first, ranking))
    sentences.extend(_against_baseline(first, ranking))
    if factors is not None and setup.total_j is not None:
        estimated = EnergyMethod.ESTIMATED.value in set(study.epochs["energy_method"].dropna())
        sentences.append(footprint_text(setup.total_j, factors, estimated=estimated))
        # A setup may be several of these; it is told once, by its weightiest name.
        named = {
            each.setup: (name, each.total_j)
            for name, each in (
                ("costliest", ranking.worst),
                ("baseline", ranking.baseline),
                ("most accurate", ranking.best),
            )
            if each is not None and each.setup != setup.setup
        }
        sentences.extend(
            saved_text(name, setup.total_j, total_j, factors, estimated=estimated)
            for name, total_j in reversed(named.values())
            if total_j is not None
        )
    ties = [row.setup.setup for row in ranking.rows if row.ties_with_first]
    if ties:
        sentences.append(f"{_setups(ties)} cannot be told apart from it in energy.")
    return " ".join(sentences)


def _against_best(first: RankedSetup, ranking: Ranking) -> Iterator[str]:
    best = ranking.best
    if best is None or best.setup == first.setup.setup:
        yield "No other setup is more accurate."
    elif first.saving_against_best is None:
        yield (
            f"The most accurate is setup {best.setup} with {percent_text(best.accuracy)}; "
            "what it used is not known."
        )
    else:
        lost = _points(best) - _points(first.setup)
        points = f"{lost:.1f} points" if lost else "less than 0.1 points"
        yield (
            f"The most accurate ({setup_text(best)}, {percent_text(best.accuracy)}) needs "
            f"{energy_text(best.total_j, like_j=first.setup.total_j)}: giving up {points} of accuracy "
            f"{_saved(first.saving_against_best)}{_interval(first.setup, best)}."
        )


def _points(setup: SetupEnergy) -> float:
    """Accuracy in percent as the reader sees it, so that the difference is what they compute."""
    return round(100 * (setup.accuracy or 0.0), 1)


def _against_worst(first: RankedSetup, ranking: Ranking) -> Iterator[str]:
    worst, share = ranking.worst, first.saving_against_worst
    if worst is None or share is None or worst.setup == first.setup.setup:
        return
    times = (
        f", {factor_text(worst.total_j / first.setup.total_j)} times as much"
        if worst.total_j and first.setup.total_j and share >= _TOLD_AS_FACTOR
        else ""
    )
    if ranking.best is not None and worst.setup == ranking.best.setup:
        yield f"It is the costliest, too{times}."
        return
    yield (
        f"The costliest ({setup_text(worst)}) needs "
        f"{energy_text(worst.total_j, like_j=first.setup.total_j)}{times}: "
        f"{percent_text(share, decimals=0)} saved{_interval(first.setup, worst)}."
    )


def _against_baseline(first: RankedSetup, ranking: Ranking) -> Iterator[str]:
    baseline, share = ranking.baseline, first.saving_against_baseline
    if baseline is None:
        return
    if baseline.setup == first.setup.setup:
        yield "It is the baseline itself."
    elif share is None:
        yield f"What it saves against the baseline (setup {baseline.setup}) is not known."
    else:
        yield (
            f"Against the baseline (setup {baseline.setup}, {percent_text(baseline.accuracy)}, "
            f"{energy_text(baseline.total_j, like_j=first.setup.total_j)}) it {_saved(share)}"
            f"{_interval(first.setup, baseline)}."
        )


def _saved(share: float) -> str:
    return f"{'saves' if share >= 0 else 'adds'} {percent_text(abs(share), decimals=0)}"


def _interval(setup: SetupEnergy, reference: SetupEnergy) -> str:
    """The 95 % interval of a saving, or of what is added, where repeats allow one."""
    interval, share = saving_interval(setup, reference), saving(setup, reference)
    if interval is None or share is None:
        return ""
    ends = (interval.low, interval.high) if share >= 0 else (-interval.high, -interval.low)
    return f" (95 % interval {100 * ends[0]:.0f} to {100 * ends[1]:.0f} %)"


def _refusal(study: Study, setups: Sequence[SetupEnergy]) -> str:
    if study.epochs.empty:
        return "No recommendation: no epoch has finished yet."
    if not any(setup.finished for setup in setups):
        if (study.trials["status"] == TrialStatus.FINISHED.value).any():
            return (
                "No recommendation: every training that has ended diverged, ran out of memory or was "
                "stopped, and what that takes is not the energy of a training."
            )
        return (
            "No recommendation yet: no trial has finished, and the energy of half a training "
            "is not the energy of a training."
        )
    if not any(setup.total_j is not None for setup in setups):
        return (
            "No recommendation: no finished trial has an energy for all of its epochs. "
            "`python -m trackers` says what this machine can measure and how to mend it."
        )
    return "No recommendation: no setup that is accurate enough has an energy."


def _energy(study: Study, setup: SetupEnergy) -> str:
    methods = set(study.epochs.loc[study.epochs["setup"] == setup.setup, "energy_method"].dropna())
    word = "an estimated " if EnergyMethod.ESTIMATED.value in methods else ""
    return f"{word}{energy_text(setup.total_j)}"


def _caveats(study: Study, setups: Sequence[SetupEnergy], ranking: Ranking) -> Iterator[str]:
    yield from _about_energy(study, setups)
    yield from _about_accuracy(study, ranking)
    yield from _about_trials(study, setups)
    yield from _about_setups(setups, ranking)
    yield from study.notes
    yield from study.manifest.warnings


def _about_energy(study: Study, setups: Sequence[SetupEnergy]) -> Iterator[str]:
    epochs = study.epochs
    estimated = int((epochs["energy_method"] == EnergyMethod.ESTIMATED.value).sum())
    if estimated:
        which = (
            "All energies are"
            if estimated == len(epochs)
            else f"{estimated:,} epochs' energies are"
        )
        yield (
            f"{which} estimated, not measured: good for comparing setups on this machine, "
            "not for the bill."
        )
    missing = sum(setup.missing_epochs for setup in setups)
    if missing:
        without = [setup.setup for setup in setups if setup.finished and setup.total_j is None]
        lost = f"; no total for {_setups(without, start=False)}" if without else ""
        yield f"{counted(missing, 'epoch')} without an energy reading{lost}."
    partly = sum(setup.without_energy for setup in setups if setup.total_j is not None)
    if partly:
        yield f"{counted(partly, 'finished repeat')} left out of the totals for want of a reading."
    degraded = sum(setup.degraded_epochs for setup in setups)
    if degraded:
        yield f"{counted(degraded, 'epoch')} with a degraded reading (device not seen all the time)."
    if not epochs.empty:
        short = float((epochs["epoch_time_s"] < SHORT_EPOCH_S).mean())
        if short:
            yield (
                f"{percent_text(short, decimals=0)} of the epochs are shorter than "
                f"{SHORT_EPOCH_S:g} s: their readings rest on few samples."
            )


def _about_accuracy(study: Study, ranking: Ranking) -> Iterator[str]:
    data = study.manifest.data
    if data.synthetic:
        yield "The data are synthetic: accuracies say nothing about real data."
    best = None if ranking.best is None else ranking.best.accuracy
    if best is not None and data.chance_accuracy is not None and best <= data.chance_accuracy:
        yield (
            f"No setup is better than always naming the commonest class "
            f"({percent_text(data.chance_accuracy)}): nothing was learnt, and the cheapest "
            "setup is only the one that gave up first."
        )


def _about_trials(study: Study, setups: Sequence[SetupEnergy]) -> Iterator[str]:
    status = study.manifest.status
    trials = study.trials["status"]
    ended = int((trials == TrialStatus.FINISHED.value).sum())
    of = f" of {len(setups) * len(study.manifest.seeds)}"
    if study.manifest.paradigm is Paradigm.SEARCH:
        of = ""  # how many it will want nobody knows
    if status != "finished":
        word = "still running" if status == "running" else status
        yield f"The study is {word}: {ended}{of} trials have finished."
    failed = int((trials == TrialStatus.FAILED.value).sum())
    if failed:
        yield f"{counted(failed, 'trial')} failed and count only as energy spent."
    for reason, words in (
        (StopReason.DIVERGED, "diverged"),
        (StopReason.OUT_OF_MEMORY, "ran out of memory"),
    ):
        which = [setup.setup for setup in setups if reason in setup.stop_reasons]
        if which:
            yield f"{_setups(which)} {words}: what a training used until then counts in no total."
    ends = study.epochs["stop_reason"].dropna()
    cut = float((ends == StopReason.MAX_EPOCHS.value).mean()) if len(ends) else 0.0
    if cut >= MANY_CUT_OFF:
        yield (
            f"{percent_text(cut, decimals=0)} of the trainings ended at the limit of epochs, not by "
            "early stopping: their totals are what was allowed, not what it takes to converge."
        )
    if any(setup.finished == 1 for setup in setups):
        yield "Setups with one finished repeat have no spread: a difference may be chance."
    if any(1 < setup.finished <= FEW for setup in setups):
        yield (
            "Intervals over two or three repeats reach from the smallest to the largest value: the "
            "truth may well lie outside."
        )


def _about_setups(setups: Sequence[SetupEnergy], ranking: Ranking) -> Iterator[str]:
    pairs = {
        tuple(sorted({setup.batch_size for setup in setups if setup.setup in group}))
        for group in (
            {row.setup.setup, *row.same_training_as} for row in ranking.rows if row.same_training_as
        )
    }
    for sizes in sorted(pairs):
        yield (
            f"Batch sizes {listed(sizes)} are the same training: no batch is larger "
            "than the training set."
        )


def _setups(numbers: Iterable[int], *, start: bool = True) -> str:
    known = sorted(numbers)
    word = "setup" if len(known) == 1 else "setups"
    return f"{word.capitalize() if start else word} {listed(known)}"
