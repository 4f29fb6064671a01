"""What pretraining comes to, in sentences."""

from collections.abc import Iterator

from analysis.forms.savings_text import change_text, points_given_up_text
from analysis.pretraining.break_even import BreakEvenInfo, BreakEvenOutcome
from analysis.pretraining.info import PretrainingInfo


def pretraining_advice(info: PretrainingInfo) -> Iterator[str]:
    """Say whether pretraining pays, and what freezing saves."""
    yield _when_it_pays(info.frozen, info.encoder_weights)
    saving = info.freezing.over_setups
    if saving is not None and saving.share is not None:
        yield (
            f"Freezing the encoder {change_text(saving)} of the energy against training it on"
            f"{points_given_up_text([row.accuracy_given_up for row in info.freezing.rows])}."
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
    saved = sum(row.of_means.outcome is BreakEvenOutcome.ENCODER_UNKNOWN for row in info.rows)
    if saved and weights:
        return (
            f"Whether pretraining pays is not known: the encoder starts from published weights "
            f"({weights}), and what they took is not. Each use of them saves energy in {saved} of "
            f"{setups} setups."
        )
    never = f" In {info.never} of {setups} setups it never does." if info.never else ""
    return f"Whether pretraining pays is not known: energies are missing.{never}"
