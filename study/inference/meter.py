"""The uncertainty of meters: a part that all readings of a board share, and a part of each one.

A board's sensor that reads 3 % too high does so in every epoch of every training on that board. In
the energy of one training this part adds up epoch by epoch; in what one setup saves against
another on the same board it cancels. What each reading has of its own (its edges, its few samples)
adds up by squares, and lies within the spread of the repeats already: it is only the least that
the spread can be (`least_variance` of `study.inference.posterior`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from study.inference.posterior import SEED, Posterior
from study.inference.repeats import Floats

HALF_WIDTH = 1.96
"""Standard deviations in the half-width that a reading's uncertainty is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUncertainty:
    """Half-width of the 95 % interval of an energy, in its two parts.

    Attributes:
        common_j: What all readings of the board share.
        own_j: What each reading has of its own.
    """

    common_j: float
    own_j: float

    @property
    def total_j(self) -> float:
        """Both together, by squares."""
        return math.hypot(self.common_j, self.own_j)


def summed(
    parts: Sequence[MeterUncertainty | None], boards: Sequence[str]
) -> MeterUncertainty | None:
    """The uncertainty of a sum of readings; None where that of one is not known.

    Args:
        parts: Of each reading.
        boards: The board of each reading: common parts of one board add up, those of several
            boards add up by squares.

    Raises:
        ValueError: There are not as many boards as parts.
    """
    of_board: dict[str, float] = {}
    own = []
    for part, board in zip(parts, boards, strict=True):
        if part is None:
            return None
        of_board[board] = of_board.get(board, 0.0) + part.common_j
        own.append(part.own_j)
    return MeterUncertainty(common_j=math.hypot(*of_board.values()), own_j=math.hypot(*own))


def relative_deviation(half_width_j: float, energy_j: float) -> float:
    """Standard deviation of the logarithm of an energy, of a half-width in joules.

    Args:
        half_width_j: Half-width of the energy's 95 % interval.
        energy_j: The energy; above 0.
    """
    return half_width_j / HALF_WIDTH / energy_j


def with_board_errors(
    energy: Posterior,
    shares: Floats,
    deviations: Floats,
    *,
    rng: np.random.Generator | int = SEED,
) -> Posterior:
    """Add what the boards' sensors can be wrong by to the draws of true means.

    Setups that ran on the same boards in the same shares are wrong by the same: a saving between
    them is as certain as before.

    Args:
        energy: Of logarithms of joules.
        shares: Of each setup's repeats the share that ran on each board. Shape (setups, boards).
        deviations: Standard deviation of the logarithm of a board's readings. Shape (boards,).
        rng: Source of the errors, or a seed for one.

    Raises:
        ValueError: The shares of a setup do not add up to 1.
    """
    if not np.allclose(shares.sum(axis=-1), 1.0):
        msg = f"shares of boards add up to {shares.sum(axis=-1)}; of each setup they must to 1"
        raise ValueError(msg)
    source = np.random.default_rng(rng)
    errors = source.standard_normal((*energy.means.shape[:-1], len(deviations))) * deviations
    shared = errors @ shares.T
    return replace(energy, means=energy.means + shared, pooled=energy.pooled + shared)
