"""Advice from each pair of watch16's five seeds, compared with the other three; as Markdown.

python -m benchmarks.calibration.pairs_of_seeds
"""

import itertools
from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.worlds import AXES, ENDS, recorded_trainings
from study.inference.choice import Aim, choose
from study.inference.intervals import Interval
from study.inference.log_odds import Ends
from study.inference.posterior import Posterior, posterior
from study.inference.repeats import Floats, Repeats
from study.inference.selection import saving_against_selected, selected_interval, selection_bias

SEEDS = 5
BATCH_SIZES, LEARNING_RATES = (64, 256, 1024, 4096), (0.0001, 0.001, 0.01, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfSeeds:
    """Advice from two seeds, and how it fares in the other three.

    Attributes:
        seeds: The two seeds.
        setup: Index of the recommended setup.
        right: Stated probability that the setup is within the tolerance and needs at most 5 % more energy than
            the cheapest setup that is.
        energy_j: 95 % interval of the setup's energy in joules.
        others_j: Geometric mean of the setup's energy in the other three seeds, in joules.
        costliest: Index of the setup that needs most energy.
        saved: 95 % interval of the share of energy saved compared with the costliest setup.
        others_saved: The same share in the other three seeds.
        excess: Energy of the setup divided by that of the cheapest setup within the tolerance, both by the means
            of the other three seeds, minus 1; negative if it needs less.
        short: Points by which the setup misses the tolerance there; 0 if it is within.
    """

    seeds: tuple[int, int]
    setup: int
    right: float
    energy_j: Interval
    others_j: float
    costliest: int
    saved: Interval
    others_saved: float
    excess: float
    short: float


def pair_of_seeds(seeds: tuple[int, int], aim: Aim) -> PairOfSeeds:
    """Compute the advice of one pair.

    Args:
        seeds: Two of the five seeds.
        aim: Aim of the advice: its tolerance and price.

    Raises:
        ValueError: There are fewer than two seeds.
    """
    trainings = recorded_trainings()
    rest = [seed for seed in range(SEEDS) if seed not in seeds]
    # Two seeds for the draws, so that those of energy and objective are independent.
    energy = _drawn(trainings[:, list(seeds), 0], 0, None)
    objective = _drawn(trainings[:, list(seeds), 1], 1, ENDS)
    choice = choose(energy, objective, aim)
    bias = selection_bias(energy, objective, aim)
    setup, costliest = int(choice.setup), int(energy.repeats.mean.argmax())
    total = selected_interval(energy, setup, bias.energy)
    others, accuracies = (trainings[:, rest, part].mean(axis=1) for part in (0, 1))
    short = np.maximum(accuracies.max() - aim.tolerance - accuracies, 0.0)
    least = others[short == 0].min()
    return PairOfSeeds(
        seeds=seeds,
        setup=setup,
        right=float(choice.right[setup]),
        energy_j=Interval(low=np.exp(total.low), high=np.exp(total.high)),
        others_j=float(np.exp(others[setup])),
        costliest=costliest,
        saved=saving_against_selected(energy, setup, costliest, bias.against_costliest),
        others_saved=float(-np.expm1(others[setup] - others[costliest])),
        excess=float(np.expm1(others[setup] - least)),
        short=float(short[setup] / aim.point),
    )


def _drawn(values: Floats, seed: int, ends: Ends | None) -> Posterior:
    drawn = posterior(Repeats.of_array(values), axes=AXES, rng=seed, ends=ends)
    if drawn is None:
        msg = "two seeds are needed for a spread"
        raise ValueError(msg)
    return drawn


def _name(setup: int) -> str:
    return f"{BATCH_SIZES[setup // 4]}, {LEARNING_RATES[setup % 4]:g}"


def pairs_table() -> str:
    """Return a table in Markdown with a row for each of the ten pairs."""
    headings = (
        *("seeds", "recommended (batch size, rate)", "right (%)", "energy (J)", "other three (J)"),
        *("saved against the costliest (%)", "other three (%)", "excess (%)", "points short"),
    )
    lines = [f"| {' | '.join(headings)} |", "| --- " * len(headings) + "|"]
    for seeds in itertools.combinations(range(SEEDS), 2):
        row = pair_of_seeds((seeds[0], seeds[1]), Aim())
        lines.append(
            f"| {row.seeds[0]}, {row.seeds[1]} | {_name(row.setup)} | {100 * row.right:.0f} "
            f"| {row.energy_j.low:.0f} to {row.energy_j.high:.0f} | {row.others_j:.0f} "
            f"| {100 * row.saved.low:.0f} to {100 * row.saved.high:.0f} "
            f"| {100 * row.others_saved:.0f} | {100 * row.excess:.0f} | {row.short:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(pairs_table())
