"""Partial pooling: draws of the true means in which each setup borrows strength from the others.

The best of sixteen noisy means is partly luck, and probabilities computed from each mean on its own are
too high for it. The true means are therefore modelled as

    mean_i = common + sum over axes (effect of the setup's value there) + own_i

with normally distributed effects: one variance for each axis (batch size, learning rate), and one for
the effects specific to a setup. The variances are inferred from the means: `SCALES` points of
log-uniform priors are weighted by their marginal likelihood (restricted, with the common level
integrated out), and the draws are divided among `MIXTURE` points sampled by these weights. Where an
axis explains the differences, a setup is shrunk towards those that share its value; where each setup
differs in its own way, the draws approach those of the separate means. This is best linear unbiased
prediction (Henderson 1975, Biometrics 31:423; Efron and Morris 1973, Journal of the American
Statistical Association 68:117) with unknown variances.

The tails are those of the separate draws: their deviations carry over, scaled by how the variance of
each draw compares with the typical one. Shares, such as accuracies, are modelled on the scale of their
log odds (`study.inference.log_odds`).
"""

import numpy as np

from study.inference.log_odds import Ends, LogOdds, are_shares
from study.inference.repeats import Floats, Integers

SCALES, MIXTURE = 32, 8
LEAST_OF_NOISE, MOST_OF_SEEN = 0.1, 3.0
"""Ends of each variance's prior, relative to the noise of a mean and to the variance of observed means.

With a lower end far below the noise, half of the prior would say that setups do not differ at all. Few
repeats cannot contradict that, and any choice would then be right with high probability (Gelman 2006,
Bayesian Analysis 1:515)."""

FEWEST, MOST = 4, 200
"""Numbers of setups that are pooled: fewer do not show how similar they are, more would take seconds."""

_SEED = 0
_ROUNDING = 1e-9


def pooled_means(
    means: Floats,
    draws: Floats,
    mean_variances: Floats,
    axes: Integers | None = None,
    *,
    ends: Ends | None = None,
) -> Floats:
    """Draw true means that are pooled with those of other setups. Shape (..., draws, setups).

    Args:
        means: Observed means. Shape (..., setups).
        draws: Draws of the true means, each setup on its own. Shape (..., draws, setups).
        mean_variances: Variances of the observed means, one for each draw. The same shape.
        axes: Index of each setup's value on each axis, see `axes_of`; None where setups have no axes.
            Shape (setups, axes).
        ends: Lowest and highest value of a share, which is pooled by its log odds; None for any other
            quantity.
    """
    if not FEWEST <= means.shape[-1] <= MOST:
        return draws
    typical = 1 / np.mean(1 / np.maximum(mean_variances, _tiny(means)), axis=-2)
    if ends is None or not are_shares(means, ends):
        return _pooled(means, draws - means[..., None, :], typical, axes)
    scale = LogOdds.of(means, typical, ends)
    apart = (draws - means[..., None, :]) * scale.slope[..., None, :]
    return scale.values(_pooled(scale.places, apart, typical * scale.slope**2, axes))


def _pooled(means: Floats, deviations: Floats, typical: Floats, axes: Integers | None) -> Floats:
    """Draw pooled true means from the deviations of the separate draws and the typical variances."""
    unit = np.sqrt(typical.mean(axis=-1, keepdims=True))
    model = _Alike(means / unit, typical / unit**2, _parts(means.shape[-1], axes))
    apart = deviations / np.sqrt(typical)[..., None, :]
    pooled = np.empty_like(deviations)
    number = deviations.shape[-2]
    for part, place in enumerate(model.drawn_places()):
        which = slice(part * number // MIXTURE, (part + 1) * number // MIXTURE)
        centre, root = model.given(place)
        moved = apart[..., which, :] @ np.swapaxes(root, -1, -2)
        pooled[..., which, :] = unit[..., None] * (centre[..., None, :] + moved)
    return pooled


class _Alike:
    """Random-effects model of means, scaled to unit noise."""

    def __init__(self, means: Floats, noise: Floats, parts: Floats) -> None:
        self._parts = parts
        self._level = means.mean(axis=-1, keepdims=True)
        self._apart = means - self._level
        self._noise = noise
        seen = MOST_OF_SEEN * means.var(axis=-1, ddof=1)
        self._most = np.maximum(seen, LEAST_OF_NOISE)[..., None]
        self._points = _spread_points(SCALES, len(parts))

    def drawn_places(self) -> Integers:
        """Sample points of the prior by their likelihood. Shape (MIXTURE, ...)."""
        if (
            self._noise.ndim == 1
        ):  # a single study: all points at once, since this dominates the time
            likelihood = self._likelihood(self._points)
        else:
            likelihood = np.stack([self._likelihood(each) for each in self._points], axis=-1)
        weights = np.exp(likelihood - likelihood.max(axis=-1, keepdims=True))
        edges = (weights / weights.sum(axis=-1, keepdims=True)).cumsum(axis=-1)
        source = np.random.default_rng(_SEED)
        strata = np.arange(MIXTURE).reshape(-1, *[1] * (edges.ndim - 1))
        drawn = (strata + source.random((MIXTURE, *edges.shape[:-1]))) / MIXTURE
        return np.asarray(np.minimum((drawn[..., None] > edges).sum(axis=-1), SCALES - 1))

    def given(self, place: Integers) -> tuple[Floats, Floats]:
        """Conditional mean and Cholesky factor of the true means, at one point of the prior per study."""
        precise, _, _ = self._projected(self._points[place])
        noise = self._noise
        centre = self._apart - noise * np.einsum("...ij,...j->...i", precise, self._apart)
        covariance = -noise[..., :, None] * precise * noise[..., None, :]
        every = np.arange(noise.shape[-1])
        covariance[..., every, every] += noise + _ROUNDING
        return self._level + centre, np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)

    def _likelihood(self, points: Floats) -> Floats:
        """Logarithm of the restricted (residual) likelihood. Shape (...)."""
        precise, log_determinant, level = self._projected(points)
        squares = np.einsum("...i,...ij,...j->...", self._apart, precise, self._apart)
        return np.asarray(-(log_determinant + np.log(level) + squares) / 2)

    def _projected(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Precision of the means with the level projected out, log determinant, precision of the level.

        The log determinant is that of the covariance of the means.
        """
        sizes = LEAST_OF_NOISE * (self._most / LEAST_OF_NOISE) ** points
        between = np.einsum("...k,kij->...ij", sizes, self._parts)
        every = np.arange(self._noise.shape[-1])
        between[..., every, every] += self._noise
        inverse = np.linalg.inv(between)
        sums = inverse.sum(axis=-1)
        level = sums.sum(axis=-1)
        precise = inverse - sums[..., :, None] * sums[..., None, :] / level[..., None, None]
        return precise, np.linalg.slogdet(between)[1], level


def _parts(setups: int, axes: Integers | None) -> Floats:
    """Mark the pairs of setups that share an effect, for each axis and for a setup's own effect.

    Shape (effects, n, n).
    """
    own = np.eye(setups)
    columns = () if axes is None else np.asarray(axes).T
    shared = [(each[:, None] == each[None, :]).astype(float) for each in columns]
    # An axis with a single value coincides with the common level, and an axis with a different value in
    # each setup with the setups' own effects; both are dropped.
    return np.stack([*(each for each in shared if setups < each.sum() < setups**2), own])


def _spread_points(number: int, dimensions: int) -> Floats:
    """Quasirandom points in the unit cube of the priors, evenly spread. Shape (number, dimensions).

    Multiples of powers of the generalised golden ratio, modulo 1 (Roberts 2018, "The unreasonable
    effectiveness of quasirandom sequences").
    """
    ratio = 2.0
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    return np.asarray((0.5 + np.arange(1, number + 1)[:, None] * steps) % 1)


def _tiny(means: Floats) -> float:
    return _ROUNDING * max(float(np.max(np.abs(means))), _ROUNDING) ** 2
