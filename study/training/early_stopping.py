"""Early stopping, by patience or because the loss is not finite."""

import math
from typing import final

from study.record.vocabulary import StopReason


@final
class EarlyStopping:
    """Early stopper of a training that no longer improves, or whose loss is not finite.

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
        """Return the reason to stop after an epoch with these figures, or None to go on.

        Args:
            train_loss: Training loss of the epoch.
            val_loss: Validation loss of the epoch.
            watched: Value of which more is better: the objective, its negative if less is better, or
                the negative validation loss.
        """
        self.is_best = False
        if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
            return StopReason.DIVERGED
        self.is_best = watched > self._best
        self._waited = 0 if self.is_best else self._waited + 1
        self._best = max(self._best, watched)
        return StopReason.PATIENCE if self._waited >= self._patience else None

    def state(self) -> tuple[float, int]:
        """Return the best value so far and the number of epochs since then."""
        return self._best, self._waited

    def restore(self, state: tuple[float, int]) -> None:
        """Resume from what `state` returned."""
        self._best, self._waited = state
