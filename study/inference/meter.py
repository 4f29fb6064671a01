"""Uncertainty of a meter, on the scale of logarithms.

A reading's uncertainty has two parts. What all readings of a board share is in the effect of its
board (`study.inference.boards`). What each has of its own (its edges, its few samples) lies within
the spread of the repeats already: it is only the least that the spread can be (`least_variance` of
`study.inference.posterior`).
"""

HALF_WIDTH = 1.96
"""Standard deviations in the half-width that a reading's uncertainty is."""


def relative_deviation(half_width_j: float, energy_j: float) -> float:
    """Standard deviation of the logarithm of an energy, of a half-width in joules.

    Args:
        half_width_j: Half-width of the energy's 95 % interval.
        energy_j: The energy; above 0.
    """
    return half_width_j / HALF_WIDTH / energy_j
