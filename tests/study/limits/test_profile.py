"""Search for the cheapest power limit during a training."""

import json

import pytest

from study.limits.profile import LimitProfile, chosen_before, limits_to_try
from trackers.sample import PowerLimits

BATCH = 10


class Board:
    """Board whose energy per step depends on its power limit alone."""

    def __init__(self, step_j: dict[float, float], *, step_s: float = 1.0) -> None:
        """Create a board with the energy per step for each limit."""
        self.step_j = step_j
        self.step_s = step_s
        self.limit_w = 0.0
        self.set_w: list[float] = []
        self.windows = 0
        self._since: int | None = None
        self.step = 0

    def set_limit(self, limit_w: float) -> float:
        """Set the power limit, and return it."""
        self.limit_w = limit_w
        self.set_w.append(limit_w)
        return limit_w

    def open_window(self) -> None:
        """Open a window at the present step."""
        self._since = self.step

    def close_window(self) -> tuple[float | None, float]:
        """Close the window, and return the energy and time of its steps."""
        assert self._since is not None
        steps, self._since = self.step - self._since, None
        self.windows += 1
        return steps * self.step_j[self.limit_w], steps * self.step_s

    def train(self, profile: LimitProfile, steps: int) -> None:
        """Train one epoch."""
        for step in range(steps + 1):
            self.step = step
            profile.at_step(step, steps)


def profile_of(board: Board) -> LimitProfile:
    """Return a profile of all limits of a board."""
    return LimitProfile(
        list(board.step_j),
        set_limit=board.set_limit,
        open_window=board.open_window,
        close_window=board.close_window,
        batch_size=BATCH,
    )


@pytest.mark.parametrize("steps", [6, 12, 13, 100])
def test_the_rest_of_a_training_runs_under_the_cheapest_limit(steps: int) -> None:
    """One epoch measures every limit; after it, the cheapest stays set."""
    board = Board({300.0: 30.0, 200.0: 20.0, 100.0: 25.0})
    profile = profile_of(board)

    board.train(profile, steps)
    board.train(profile, steps)

    assert profile.chosen_w == board.limit_w == 200.0
    assert board.set_w == [300.0, 200.0, 100.0, 200.0]
    assert board.windows == 3


def test_the_result_is_handed_over_once() -> None:
    """It holds energy, time and samples for each limit; a later attempt reads the choice from it."""
    board = Board({300.0: 30.0, 200.0: 20.0})
    profile = profile_of(board)
    board.train(profile, 8)

    text = profile.take_result()

    assert text is not None
    measured = {each["power_limit_w"]: each for each in json.loads(text)}
    assert measured[200.0]["energy_j"] / measured[200.0]["samples"] == 20.0 / BATCH
    assert measured[300.0]["time_s"] == 3.0  # of 4 steps, the board needs the first to settle
    assert profile.take_result() is None
    assert chosen_before(text) == 200.0


def test_an_epoch_of_few_steps_measures_only_some_limits() -> None:
    """A slice has at least two steps, one of them for settling; the next epoch measures the other limits."""
    board = Board({300.0: 30.0, 200.0: 20.0, 100.0: 25.0, 50.0: 60.0})
    profile = profile_of(board)

    board.train(profile, 4)
    first = profile.take_result()
    board.train(profile, 4)

    assert first is not None
    assert chosen_before(first) is None
    assert profile.chosen_w == 200.0


def test_an_epoch_that_is_too_short_is_measured_again() -> None:
    """A very short window is inaccurate, so each limit gets up to three."""
    board = Board({300.0: 30.0, 200.0: 20.0}, step_s=0.01)
    profile = profile_of(board)

    for _ in range(3):
        assert profile.chosen_w is None
        board.train(profile, 8)

    assert profile.chosen_w == 200.0
    assert board.windows == 6


def test_a_limit_without_a_reading_is_not_chosen() -> None:
    """A missing energy is not a low one."""
    board = Board({300.0: 30.0, 200.0: 20.0})
    profile = LimitProfile(
        [300.0, 200.0],
        set_limit=board.set_limit,
        open_window=board.open_window,
        close_window=lambda: (None, 5.0) if board.limit_w == 200.0 else board.close_window(),
        batch_size=BATCH,
    )

    board.train(profile, 8)

    assert profile.chosen_w == 300.0


def test_auto_tries_limits_from_the_present_one_to_the_lowest() -> None:
    """It tries five, rounded to 5 W; limits that were given are only sorted."""
    board = PowerLimits(device_uuid="a", lowest_w=100, highest_w=450, now_w=300)

    assert limits_to_try(("auto",), board) == [300, 250, 200, 150, 100]
    assert limits_to_try(("120", "300"), board) == [300, 120]
