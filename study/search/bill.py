"""The bill of a search's trials, beside their epochs and in all."""

from collections.abc import Iterable

from study.record.records import TrialRecord


def overhead_j(trial: TrialRecord) -> float:
    """Joules of a trial's last attempt beside its epochs, as far as they are known."""
    return (trial.setup_energy_j or 0.0) + (trial.between_energy_j or 0.0)


def bill_j(trials: Iterable[TrialRecord]) -> float:
    """Joules of the whole search, as far as they are known."""
    return sum((t.energy_j or 0.0) + overhead_j(t) + t.wasted_energy_j for t in trials)
