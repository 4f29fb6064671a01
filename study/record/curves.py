"""How a trial of a search goes: what its epochs have brought and cost so far. Pure arithmetic."""

from dataclasses import dataclass
from typing import final

from study.record.records import StopReason, TrialRecord


@final
@dataclass(slots=True, kw_only=True)
class TrialCurve:
    """A trial of a search, epoch by epoch.

    Attributes:
        target: Validation accuracy that is to be reached; None where there is no target.
        epochs: Epochs so far.
        known_j: Their energy, as far as it is known.
        time_s: Their time.
        missing: Epochs without an energy.
        best_accuracy: Best validation accuracy so far; None before the first that is known.
        to_target_j: Energy up to the first epoch that reached the target; None if none did, or if
            an epoch before it has no energy.
        stopped: Whether the search ended it before it would have ended itself: what is known of it
            is then a lower bound of what it costs.
    """

    target: float | None = None
    epochs: int = 0
    known_j: float = 0.0
    time_s: float = 0.0
    missing: int = 0
    best_accuracy: float | None = None
    to_target_j: float | None = None
    stopped: bool = False

    @property
    def energy_j(self) -> float | None:
        """Energy of all epochs; None where one is missing or there is none."""
        return None if self.missing or not self.epochs else self.known_j

    @property
    def reached(self) -> bool:
        """Whether the target was reached."""
        best = self.best_accuracy
        return self.target is not None and best is not None and best >= self.target

    @property
    def pace_j(self) -> float | None:
        """What a stopped trial would need to its target, went it on as it has gone so far.

        Learning curves flatten, so that is little: see `verdicts.out_of_reach`.
        """
        if not self.stopped or not self.best_accuracy or self.target is None:
            return None
        return self.known_j * self.target / self.best_accuracy

    @property
    def least_to_target_j(self) -> float | None:
        """The least that a stopped trial can have needed to its target.

        It needed one more epoch at least, and won accuracy no faster than so far.
        """
        if not self.stopped or not self.epochs or self.target is None:
            return None
        return max(self.known_j * (1 + 1 / self.epochs), self.pace_j or 0.0)

    def add(self, *, accuracy: float | None, energy_j: float | None, time_s: float) -> None:
        """Take one more epoch."""
        before = self.reached
        self.epochs += 1
        self.time_s += time_s
        self.missing += energy_j is None
        self.known_j += energy_j or 0.0
        if accuracy is not None:
            self.best_accuracy = max(accuracy, self.best_accuracy or 0.0)
        if self.reached and not before:
            self.to_target_j = self.energy_j


def curve_of_trial(trial: TrialRecord, *, target: float | None) -> TrialCurve:
    """How a recorded trial went; one that has not ended counts as stopped."""
    return TrialCurve(
        target=target,
        epochs=trial.epochs,
        known_j=trial.energy_j or 0.0,
        time_s=trial.time_s,
        missing=trial.missing_epochs,
        best_accuracy=trial.best_val_score,
        to_target_j=trial.energy_to_target_j,
        stopped=trial.stop_reason in {StopReason.STOPPED, None},
    )
