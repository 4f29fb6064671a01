"""Early stopping: a training ends that no longer becomes better, or whose loss is not finite."""

import math
from typing import final

from study.record.vocabulary import StopReason


@final
class EarlyStopping:
    """Ends a training that no longer becomes better, or whose loss is not finite.

    Attributes:
        is_best: Whether the last epoch was better than all before it.
    """

    def __init__(self, *, patience: int) -> None:
        """Allow `patience` epochs in a row without a new best."""
        self._patience = patience
        self._best = -math.inf
        self._waited = 0
        self.is_best = False

    def reason(self, train_loss: float, val_loss: float, watched: float) -> StopReason | None:
        """Return the reason to stop after an epoch with these figures; None to go on.

        Args:
            train_loss: Of the epoch.
            val_loss: Of the epoch.
            watched: What is to rise: the objective, its negative where less is better, or the
                negative validation loss.
        """
        self.is_best = False
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            return StopReason.DIVERGED
        self.is_best = watched > self._best
        self._waited = 0 if self.is_best else self._waited + 1
        self._best = max(self._best, watched)
        return StopReason.PATIENCE if self._waited >= self._patience else None

    def state(self) -> tuple[float, int]:
        """The best so far, and for how many epochs there was none better."""
        return self._best, self._waited

    def restore(self, state: tuple[float, int]) -> None:
        """Go on from a `state`."""
        self._best, self._waited = state
