"""Board effects: how much more than others a board reads or uses, from setups trained on several boards.

    log energy = setup + board + noise,    board ~ N(0, c_board^2 + tau^2)

where c is the calibration uncertainty of the board's sensor, and tau is how much boards differ beyond
that. tau is inferred from the repeats: each of `DEVIATIONS` is weighted by its marginal likelihood. The
effects given the repeats are then normal (best linear unbiased prediction, Henderson 1975, Biometrics
31:423). Their means are subtracted, and their uncertainty is added to the draws of the means: an error
common to all boards, or that of the only board, cancels in a saving and remains in a total. Only setups
trained on several boards carry information; without any, the uncertainty is that of the calibrations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from study.inference.posterior import SEED, Posterior
from study.inference.repeats import Floats, Repeats

CALIBRATION = 0.05
"""Assumed relative error common to all readings of a board's sensor, where its power source states none.

Half-width of a 95 % interval, as a fraction."""

DEVIATIONS = np.asarray([0.0, 0.025, 0.05, 0.1, 0.2])
"""Candidate standard deviations (tau) of the differences between boards beyond their calibrations."""

_BELIEFS = np.asarray([0.4, 0.2, 0.2, 0.15, 0.05])
"""Prior weights of `DEVIATIONS`."""

_LEAST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardEffects:
    """Effect of each board on the logarithm of an energy.

    Attributes:
        boards: Names of the boards, in the order of the arrays.
        mean: Estimated effect of each board; 0 where the repeats carry no information. Shape (boards,).
        covariance: Covariance of the effects' errors. Shape (boards, boards).
        shares: Fraction of each setup's repeats that ran on each board. Shape (setups, boards).
        values: Logarithms of joules with the effects removed, by setup and repeat.
        inflation: Factor for the variances over repeats that corrects for the degrees of freedom used by
            fitting the effects; at least 1.
    """

    boards: tuple[str, ...]
    mean: Floats
    covariance: Floats
    shares: Floats
    values: tuple[tuple[float, ...], ...]
    inflation: float

    @property
    def repeats(self) -> Repeats:
        """The repeats with the effects removed, and with variances corrected by `inflation`."""
        found = Repeats.of(self.values)
        return replace(found, variance=found.variance * self.inflation)

    @property
    def widest(self) -> float:
        """Largest difference between two boards, as a fraction of the lower one."""
        return float(np.expm1(np.ptp(self.mean)))


def board_effects(
    values: Sequence[Sequence[float]],
    boards: Sequence[Sequence[str]],
    calibrations: Mapping[str, float],
) -> BoardEffects:
    """Estimate the effects of boards.

    Args:
        values: Logarithms of joules, by setup and repeat.
        boards: Name of the board of each value, by setup and repeat.
        calibrations: For each board, the standard deviation of the error, in the logarithm, that is
            common to all its readings; above 0.

    Raises:
        ValueError: The numbers of values and boards differ, or a board has no calibration.
    """
    names = tuple(calibrations)
    setup = np.asarray([place for place, each in enumerate(values) for _ in each])
    energy = np.asarray([value for each in values for value in each], dtype=float)
    on = np.asarray([names.index(board) for each in boards for board in each])
    if [len(each) for each in values] != [len(each) for each in boards]:
        msg = f"{len(energy)} values and {len(on)} boards; each repeat ran on one board"
        raise ValueError(msg)
    ran = (on[:, None] == np.arange(len(names))).astype(float)
    member = (setup[:, None] == np.arange(len(values))).astype(float)
    shares = member.T @ ran / member.sum(axis=0)[:, None]
    apart = ran - shares[setup]
    off = energy - (member.T @ energy / member.sum(axis=0))[setup]
    mean, covariance, inflation = _given(
        apart, off, len(values), np.asarray([*calibrations.values()])
    )
    less = energy - mean[on]
    return BoardEffects(
        boards=names,
        mean=mean,
        covariance=covariance,
        shares=shares,
        values=tuple(tuple(less[setup == place].tolist()) for place in range(len(values))),
        inflation=inflation,
    )


def with_board_errors(
    energy: Posterior, effects: BoardEffects, *, rng: np.random.Generator | int = SEED
) -> Posterior:
    """Add the uncertainty about board effects to the draws of the true means.

    Args:
        energy: Posterior of the logarithms of joules of one study, with the effects removed.
        effects: Effects of its boards.
        rng: Random generator for the errors, or a seed for one.
    """
    source = np.random.default_rng(rng)
    nothing = np.zeros(len(effects.boards))
    errors = source.multivariate_normal(nothing, effects.covariance, size=energy.means.shape[-2])
    shared = errors @ effects.shares.T
    return replace(energy, means=energy.means + shared, pooled=energy.pooled + shared)


def _given(
    apart: Floats, off: Floats, setups: int, calibrations: Floats
) -> tuple[Floats, Floats, float]:
    """Return mean and covariance of the effects, and the inflation, from deviations within setups."""
    known = np.zeros(len(calibrations)), np.diag(calibrations**2), 1.0
    squares = apart.T @ apart
    rank = int(np.linalg.matrix_rank(squares, tol=1e-9))
    freedom = len(off) - setups - rank
    if not rank or freedom < 1:
        return known
    fitted = apart @ np.linalg.lstsq(apart, off, rcond=None)[0]
    noise = max(float(((off - fitted) ** 2).sum()) / freedom, _LEAST)
    seen = apart.T @ off / noise
    logs, means, covariances = [], [], []
    for deviation in DEVIATIONS:
        before = calibrations**2 + deviation**2
        after = np.linalg.inv(np.diag(1 / before) + squares / noise)
        logs.append((np.linalg.slogdet(after)[1] - np.log(before).sum() + seen @ after @ seen) / 2)
        means.append(after @ seen)
        covariances.append(after)
    weights = np.exp(np.asarray(logs) - max(logs)) * _BELIEFS
    weights /= weights.sum()
    mean = np.einsum("k,ki->i", weights, np.stack(means))
    around = np.stack(means) - mean
    spread = np.einsum("k,ki,kj->ij", weights, around, around)
    covariance = np.einsum("k,kij->ij", weights, np.stack(covariances)) + spread
    return mean, covariance, (len(off) - setups) / freedom
