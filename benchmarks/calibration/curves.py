"""The winner's score: what it owes to the luckiest epoch of the luckiest setup.

Validation scores are a rising curve plus noise from epoch to epoch; true is the curve at the epoch
that was chosen.
"""

from collections.abc import Mapping

import numpy as np

from study.inference.choice import Aim, choose
from study.inference.epoch_choice import scores_elsewhere_chosen
from study.inference.posterior import posterior
from study.inference.repeats import Floats, Repeats
from study.inference.selection import luck

SETUPS, EPOCHS = 16, 30
HIGHEST, BETWEEN_SETUPS, BETWEEN_REPEATS, BETWEEN_EPOCHS = 0.85, 0.02, 0.01, 0.015


def score_measures(
    rng: np.random.Generator, *, studies: int, repeats: int, draws: int
) -> Mapping[str, float]:
    """Simulate studies and compare scores of the recommended setup with its true one, in points.

    Args:
        rng: Source of the curves.
        studies: How many.
        repeats: Of each setup, at least 2.
        draws: Of each posterior.

    Returns:
        Mean errors: of the maximum over epochs and setups as it is, without the epoch's luck, and
        without the setup's either.
    """
    means = rng.normal(HIGHEST, BETWEEN_SETUPS, (studies, SETUPS, 1, 1))
    levels = means + rng.normal(0, BETWEEN_REPEATS, (studies, SETUPS, repeats, 1))
    rise = 1 - np.exp(-np.arange(1, EPOCHS + 1) / 5)
    curves = levels * rise + rng.normal(0, BETWEEN_EPOCHS, (*levels.shape[:3], EPOCHS))
    luckiest, elsewhere = curves.max(axis=-1), _elsewhere(curves)
    # Energies play no part: the setup with the best score is the recommended one.
    aim, energies = Aim(tolerance=0.0), np.zeros_like(luckiest)
    energy = posterior(Repeats.of_array(energies), rng=rng, draws=draws)
    found = {}
    for name, scores in (("maximum", luckiest), ("epoch chosen elsewhere", elsewhere)):
        objective = posterior(Repeats.of_array(scores), rng=rng, draws=draws)
        if energy is None or objective is None:
            msg = "with one repeat there is nothing to correct by"
            raise ValueError(msg)
        setup = choose(energy, objective, aim).setup[:, None]
        seen = np.take_along_axis(scores.mean(axis=-1), setup, axis=1)[:, 0]
        late = np.take_along_axis((levels * rise).max(axis=-1).mean(axis=-1), setup, axis=1)[:, 0]
        true = (
            late + np.take_along_axis(means[..., 0, 0] - levels.mean(axis=(2, 3)), setup, 1)[:, 0]
        )
        found[name] = 100 * float((seen - true).mean())
        off = luck(energy, objective, aim, rng=rng).objective
        found[f"{name}, without luck"] = 100 * float((seen - off - true).mean())
    return found


def _elsewhere(curves: Floats) -> Floats:
    """Of each study, setup and repeat the score at the epoch that the other repeats choose."""
    flat = curves.reshape(-1, *curves.shape[2:])
    scores = [scores_elsewhere_chosen(each.tolist()) for each in flat]
    return np.asarray(scores).reshape(curves.shape[:3])
