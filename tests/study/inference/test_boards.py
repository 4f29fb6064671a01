"""Effects of individual boards on energies."""

import numpy as np
import pytest

from study.inference.boards import BoardEffects, board_effects, with_board_errors
from study.inference.intervals import difference, interval, total_interval_j
from study.inference.posterior import posterior
from study.inference.repeats import Repeats
from tests.study.inference.draws import certain

CALIBRATED = {"a": 0.025, "b": 0.025}


def effects_of_one_board_each(*boards: str) -> BoardEffects:
    """Return the effects estimated from setups that each ran twice on one board."""
    values = [[float(place)] * 2 for place in range(len(boards))]
    return board_effects(values, [[board] * 2 for board in boards], CALIBRATED)


def test_a_boards_error_cancels_only_within_the_board() -> None:
    """It widens a total and the difference of setups on two boards, not of setups on the same board."""
    effects = effects_of_one_board_each("a", "a", "b")

    found = with_board_errors(certain([1.0, 2.0, 3.0]), effects)

    within, across = (interval(difference(found, 0, other)).width for other in (1, 2))
    assert within == pytest.approx(0.0, abs=1e-6)
    assert across == pytest.approx(2 * 1.96 * 0.025 * np.sqrt(2), rel=0.05)
    total = total_interval_j(found, 0)
    assert np.log(total.high / total.low) == pytest.approx(2 * 1.96 * 0.025, rel=0.05)


def test_without_a_setup_on_two_boards_no_effect_is_subtracted() -> None:
    """A costlier board and a costlier setup cannot be told apart then."""
    found = effects_of_one_board_each("a", "b", "b")

    assert found.mean.tolist() == [0.0, 0.0]
    assert found.values == ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0))


def test_a_repeat_without_a_board_is_refused() -> None:
    """Two values with one board are an error."""
    with pytest.raises(ValueError, match="2 values and 1 boards"):
        board_effects([[1.0, 2.0]], [["a"]], CALIBRATED)


@pytest.mark.parametrize(("boards_differ_by", "noise"), [(0.0, 0.1), (0.1, 0.02), (0.1, 0.2)])
def test_savings_across_boards_are_covered(boards_differ_by: float, noise: float) -> None:
    """With two repeats on two of four boards each, 95 % intervals contain the truth in 91 to 99.5 %."""
    rng = np.random.default_rng(0)
    names = [*"abcd"]
    held = []
    for _ in range(60):
        on = np.stack([rng.permutation(4)[:2] for _ in range(16)])
        true, board = rng.normal(0, 0.5, 16), rng.normal(0, boards_differ_by, 4)
        seen = true[:, None] + board[on] + rng.normal(0, noise, (16, 2))
        effects = board_effects(
            seen.tolist(), [[names[j] for j in row] for row in on], dict.fromkeys(names, 0.02)
        )
        repeats = Repeats.of(effects.values)
        energy = posterior(repeats, rng=rng, draws=400)
        assert energy is not None
        found = with_board_errors(energy, effects, rng=rng)
        held += [
            bool(interval(difference(found, one, one + 1)).holds(true[one] - true[one + 1]))
            for one in range(15)
        ]

    assert 0.91 <= np.mean(held) <= 0.995
