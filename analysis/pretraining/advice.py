"""Advice on whether pretraining pays, in sentences."""

import math
from collections.abc import Iterator

from analysis.energy.score_changes import ScoreChange
from analysis.forms.savings_text import (
    change_text,
    given_up_text,
    given_up_words,
    is_no_difference,
    no_difference_text,
)
from analysis.forms.scores import ScoreForm
from analysis.pretraining.break_even import BreakEvenInfo, BreakEvenOutcome
from analysis.pretraining.cycles_text import cycles_interval_text
from analysis.pretraining.info import PretrainingInfo
from analysis.quantities import count_text


def pretraining_advice(info: PretrainingInfo, tolerance: float, score: ScoreForm) -> Iterator[str]:
    """Yield whether pretraining pays and what it costs in the objective, and what freezing saves.

    Args:
        info: Results of the pretraining study.
        tolerance: How much of the objective may be given up to save energy, as a fraction.
        score: Name and format of the objective.
    """
    yield _when_it_pays(info, tolerance, score)
    saving = info.freezing.over_setups
    if saving is not None and saving.share is not None:
        yield (
            f"Freezing the encoder {change_text(saving, 'training it on')}"
            f"{given_up_text([row.score_change for row in info.freezing.rows], score)}."
        )


def _when_it_pays(info: PretrainingInfo, tolerance: float, score: ScoreForm) -> str:
    pooled = info.frozen.pooled
    if pooled is None or not pooled.pays:
        return _why_not(info.frozen, info.encoder_weights)
    interval = ""
    if pooled.interval is not None:
        interval = f" (95 % interval {cycles_interval_text(pooled.interval)})"
    after = f"after {pooled.cycles:.1f} trainings on a frozen encoder{interval}"
    over = f"over {count_text(pooled.setups, 'setup')}"
    if info.score_change is None:
        return f"Pretraining has used less energy than training from scratch {after}, {over}."
    given_up = _given_up_text(info.score_change, score)
    if info.score_change.relative(score.objective) > tolerance:
        return (
            f"Pretraining has used less energy than training from scratch {after}, {over}, but "
            f"{given_up}: more than the {score.tolerance_text(tolerance)} that may be given up."
        )
    return f"Pretraining pays {after}, {over}, and {given_up}."


def _given_up_text(change: ScoreChange, score: ScoreForm) -> str:
    """State how much of the objective is given up relative to training from scratch."""
    if is_no_difference(change, score):
        return f"is as {score.good} as training from scratch within {no_difference_text(score)}"
    return f"{given_up_words(change, score)} on average against it"


def _why_not(info: BreakEvenInfo, weights: str | None) -> str:
    setups = len(info.rows)
    if info.never == setups:
        return (
            "Pretraining never pays: in each setup a classifier on the encoder takes at least as "
            f"much energy as training both from scratch.{_or_chance(info)}"
        )
    if info.pooled is not None:
        return (
            "Pretraining does not pay: over all setups a training on a frozen encoder takes at least as "
            f"much energy as one from scratch; by itself it would in {info.pays} of {setups}.{_or_chance(info)}"
        )
    saved = sum(row.of_means.outcome is BreakEvenOutcome.ENCODER_UNKNOWN for row in info.rows)
    if saved and weights:
        return (
            f"Whether pretraining pays is not known: the encoder starts from published weights "
            f"({weights}), and what they took is not. Each use of them saves energy in {saved} of "
            f"{setups} setups."
        )
    never = f" In {info.never} of {setups} setups it never does." if info.never else ""
    return f"Whether pretraining pays is not known: energies are missing.{never}"


def _or_chance(info: BreakEvenInfo) -> str:
    """State that the result may be due to chance, if the interval allows that pretraining pays; else empty."""
    interval = None if info.pooled is None else info.pooled.interval
    if interval is None or math.isinf(interval.low):
        return ""
    return (
        " That may be chance: the 95 % interval of the trainings until it pays is "
        f"{cycles_interval_text(interval)}."
    )
