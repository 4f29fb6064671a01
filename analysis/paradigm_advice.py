"""What pretraining and multitask come to, in sentences."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from analysis.energy.savings import Saving
from analysis.multitask.together import MultitaskInfo
from analysis.paradigms import ParadigmInfo, PretrainingInfo
from analysis.pretraining.break_even import BreakEvenInfo, Outcome
from analysis.quantities import counted, listed

# Points of accuracy below which nobody would choose by it.
_NO_DIFFERENCE = 0.5


def paradigm_advice(info: ParadigmInfo) -> tuple[str, ...]:
    """Whether pretraining pays and freezing saves, or whether tasks are cheaper together."""
    if info.pretraining is not None:
        return tuple(_about_pretraining(info.pretraining))
    if info.multitask is not None:
        return tuple(_about_multitask(info.multitask))
    return ()


def _about_pretraining(info: PretrainingInfo) -> Iterator[str]:
    yield _when_it_pays(info.frozen, info.encoder_weights)
    saving = info.freezing.over_setups
    if saving is not None and saving.share is not None:
        yield (
            f"Freezing the encoder {_change(saving)} of the energy against training it on"
            f"{_points([row.accuracy_given_up for row in info.freezing.rows])}."
        )


def _when_it_pays(info: BreakEvenInfo, weights: str | None) -> str:
    setups = len(info.rows)
    if info.best and info.worst and info.average:
        never = f"; in {info.never} it never does" if info.never else ""
        return (
            f"Pretraining pays for itself in {info.pays} of {setups} setups if the encoder stays "
            f"frozen: after {info.average.mean:.1f} trainings on average, {info.best.of_means.pays_at} "
            f"at best (setup {info.best.setup}), {info.worst.of_means.pays_at} at worst "
            f"(setup {info.worst.setup}){never}."
        )
    if info.never == setups:
        return (
            "Pretraining never pays: in each setup a classifier on the encoder takes at least as "
            "much energy as training both from scratch."
        )
    saved = sum(row.of_means.outcome is Outcome.ENCODER_UNKNOWN for row in info.rows)
    if saved and weights:
        return (
            f"Whether pretraining pays is not known: the encoder starts from published weights "
            f"({weights}), and what they took is not. Each use of them saves energy in {saved} of "
            f"{setups} setups."
        )
    never = f" In {info.never} of {setups} setups it never does." if info.never else ""
    return f"Whether pretraining pays is not known: energies are missing.{never}"


def _about_multitask(info: MultitaskInfo) -> Iterator[str]:
    saving = info.over_setups
    if saving is None or saving.share is None:
        yield "Whether tasks train cheaper together is not known: energies are missing."
        return
    heads = {
        "the attributes": [row.attributes_given_up for row in info.rows],
        "the identity": [row.identity_given_up for row in info.rows],
    }
    yield (
        f"Training both tasks together {_change(saving)} of the energy against one by one, over "
        f"{counted(saving.energy_j.count, 'setup')}{_points_by_task(heads)}."
    )


def _points_by_task(given_up: Mapping[str, Sequence[float | None]]) -> str:
    """What each task's accuracy gains or loses: a mean of unlike accuracies would say nothing."""
    changes = {
        task: -100 * statistics.fmean(known)
        for task, values in given_up.items()
        if (known := [each for each in values if each is not None])
    }
    if not changes:
        return ""
    if all(abs(points) < _NO_DIFFERENCE for points in changes.values()):
        return ", at the same accuracies within half a point"
    said = listed(f"{points:+.1f} points in {task}" for task, points in changes.items())
    return f"; accuracy changes by {said} on average"


def _change(saving: Saving) -> str:
    share = saving.share or 0.0
    said = f"{'saves' if share >= 0 else 'adds'} {100 * abs(share):.0f} %"
    if saving.shares is None or saving.shares.count == 1:
        return said
    values = saving.shares.values
    return f"{said} ({100 * min(values):.0f} to {100 * max(values):.0f} % saved, by setup)"


def _points(given_up: Sequence[float | None]) -> str:
    known = [each for each in given_up if each is not None]
    if not known:
        return ""
    points = 100 * statistics.fmean(known)
    if abs(points) < _NO_DIFFERENCE:
        return ", at the same accuracy within half a point"
    return f", and {'gives up' if points > 0 else 'gains'} {abs(points):.1f} points of accuracy on average"
