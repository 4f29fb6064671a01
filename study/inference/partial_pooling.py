"""Draws of the true means, given that setups are alike: each leans on the other setups.

The best of sixteen noisy means is partly luck, and probabilities from each mean by itself are too
high for it. So the true means are taken to be

    mean_i = common + sum over axes (effect of the setup's value there) + own_i

with normal effects: of each axis (batch size, learning rate) one variance, and one of what is a
setup's own. What the variances are is learnt from the means: `SCALES` points of log-uniform priors
by their marginal likelihood (residual, the common level integrated out), and the draws are shared
out among `MIXTURE` of them. Where an axis explains what is seen, a setup leans on those that share
its value; where setups differ each in its own way, the draws become those of the means by
themselves. This is best linear unbiased prediction (Henderson 1975, Biometrics 31:423; Efron and
Morris 1973, Journal of the American Statistical Association 68:117) with its variances not known.

Tails are those of the draws by themselves: their deviations are stretched as each draw's variance
is against the typical one. Of shares, such as accuracies, the model is one of their log odds
(`study.inference.log_odds`).
"""

import numpy as np

from study.inference.log_odds import Ends, LogOdds, are_shares
from study.inference.repeats import Floats, Integers

SCALES, MIXTURE = 32, 8
LEAST_OF_NOISE, MOST_OF_SEEN = 0.1, 3.0
"""Ends of the prior of each variance: of the noise of a mean, and of the variance between observed means. With an
end far below the noise half of the prior says that setups do not differ at all, which few repeats do not
contradict, and whatever is chosen is then right with a high probability (Gelman 2006, Bayesian Analysis 1:515)."""

FEWEST, MOST = 4, 200
"""Of fewer setups nothing is learnt of how alike they are; of more it would take seconds."""

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
    """Draw true means that lean on those of other setups. Shape (..., draws, setups).

    Args:
        means: What was observed. Shape (..., setups).
        draws: Of the true means, each by itself. Shape (..., draws, setups).
        mean_variances: Of the observed means, with each draw. The same shape.
        axes: Of each setup the number of its value on each axis; None where setups have none.
            Shape (setups, axes).
        ends: Least and greatest value of a share, whose log odds are alike; None for anything else.
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
    """Draw true means, from deviations of draws by themselves and the typical variance."""
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
    """The model for means with unit noise."""

    def __init__(self, means: Floats, noise: Floats, parts: Floats) -> None:
        self._parts = parts
        self._level = means.mean(axis=-1, keepdims=True)
        self._apart = means - self._level
        self._noise = noise
        seen = MOST_OF_SEEN * means.var(axis=-1, ddof=1)
        self._most = np.maximum(seen, LEAST_OF_NOISE)[..., None]
        self._points = _spread_points(SCALES, len(parts))

    def drawn_places(self) -> Integers:
        """Points of the prior, drawn by their likelihood. Shape (MIXTURE, ...)."""
        if self._noise.ndim == 1:  # one study: all points at once, which is what takes the time
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
        """Mean and Cholesky root of the true means, at a point of the prior for each study."""
        precise, _, _ = self._projected(self._points[place])
        noise = self._noise
        centre = self._apart - noise * np.einsum("...ij,...j->...i", precise, self._apart)
        covariance = -noise[..., :, None] * precise * noise[..., None, :]
        every = np.arange(noise.shape[-1])
        covariance[..., every, every] += noise + _ROUNDING
        return self._level + centre, np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)

    def _likelihood(self, points: Floats) -> Floats:
        """Logarithm of the residual likelihood. Shape (...)."""
        precise, log_determinant, level = self._projected(points)
        squares = np.einsum("...i,...ij,...j->...", self._apart, precise, self._apart)
        return np.asarray(-(log_determinant + np.log(level) + squares) / 2)

    def _projected(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Inverse covariance of the means without their level, its determinant, the level's."""
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
    """Mark the setups that share each effect, of the axes and a setup's own. Shape (effects, n, n)."""
    own = np.eye(setups)
    columns = () if axes is None else np.asarray(axes).T
    shared = [(each[:, None] == each[None, :]).astype(float) for each in columns]
    # An axis with one value is the common level, one with another in each setup is its own.
    return np.stack([*(each for each in shared if setups < each.sum() < setups**2), own])


def _spread_points(number: int, dimensions: int) -> Floats:
    """Places between the ends of the priors, spread evenly. Shape (number, dimensions).

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
