"""The cheapest power limit of a training."""

import json

import pytest

from study.limits.profile import LimitProfile, chosen_before, limits_to_try
from trackers.sample import PowerLimits

BATCH = 10


class Board:
    """A board on which a step takes a second, and an energy that its limit says."""

    def __init__(self, step_j: dict[float, float], *, step_s: float = 1.0) -> None:
        """Steps cost `step_j` by limit."""
        self.step_j = step_j
        self.step_s = step_s
        self.limit_w = 0.0
        self.set_w: list[float] = []
        self.windows = 0
        self._since: int | None = None
        self.step = 0

    def set_limit(self, limit_w: float) -> float:
        """Set it."""
        self.limit_w = limit_w
        self.set_w.append(limit_w)
        return limit_w

    def open_window(self) -> None:
        """Measure from this step on."""
        self._since = self.step

    def close_window(self) -> tuple[float | None, float]:
        """What the steps since then came to."""
        assert self._since is not None
        steps, self._since = self.step - self._since, None
        self.windows += 1
        return steps * self.step_j[self.limit_w], steps * self.step_s

    def train(self, profile: LimitProfile, steps: int) -> None:
        """One epoch."""
        for step in range(steps + 1):
            self.step = step
            profile.at_step(step, steps)


def profile_of(board: Board) -> LimitProfile:
    """A profile of all that the board can be set to."""
    return LimitProfile(
        list(board.step_j),
        set_limit=board.set_limit,
        open_window=board.open_window,
        close_window=board.close_window,
        batch_size=BATCH,
    )


@pytest.mark.parametrize("steps", [6, 12, 13, 100])
def test_the_rest_of_a_training_runs_under_the_cheapest(steps: int) -> None:
    """One epoch tells what each limit costs; after it the limit stays."""
    board = Board({300.0: 30.0, 200.0: 20.0, 100.0: 25.0})
    profile = profile_of(board)

    board.train(profile, steps)
    board.train(profile, steps)

    assert profile.chosen_w == board.limit_w == 200.0
    assert board.set_w == [300.0, 200.0, 100.0, 200.0]
    assert board.windows == 3


def test_what_is_measured_is_told_once() -> None:
    """With energy, time and samples of each; a later attempt goes on with the same choice."""
    board = Board({300.0: 30.0, 200.0: 20.0})
    profile = profile_of(board)
    board.train(profile, 8)

    text = profile.take_result()

    assert text is not None
    measured = {each["power_limit_w"]: each for each in json.loads(text)}
    assert measured[200.0]["energy_j"] / measured[200.0]["samples"] == 20.0 / BATCH
    assert measured[300.0]["time_s"] == 3.0  # of 4 steps the first lets the board settle
    assert profile.take_result() is None
    assert chosen_before(text) == 200.0


def test_an_epoch_of_few_steps_measures_some_limits_and_the_next_the_others() -> None:
    """A slice has two steps at least, so that one of them is measured after the board has settled."""
    board = Board({300.0: 30.0, 200.0: 20.0, 100.0: 25.0, 50.0: 60.0})
    profile = profile_of(board)

    board.train(profile, 4)
    first = profile.take_result()
    board.train(profile, 4)

    assert first is not None
    assert chosen_before(first) is None
    assert profile.chosen_w == 200.0


def test_an_epoch_that_is_too_short_is_measured_again() -> None:
    """Up to three times: a window of a moment tells little."""
    board = Board({300.0: 30.0, 200.0: 20.0}, step_s=0.01)
    profile = profile_of(board)

    for _ in range(3):
        assert profile.chosen_w is None
        board.train(profile, 8)

    assert profile.chosen_w == 200.0
    assert board.windows == 6


def test_a_limit_without_an_energy_is_not_chosen() -> None:
    """A reading that is missing is not a cheap one."""
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


def test_auto_goes_from_the_present_limit_to_the_lowest() -> None:
    """In five steps, rounded to 5 W; what was asked for is taken as it is."""
    board = PowerLimits(device_uuid="a", lowest_w=100, highest_w=450, now_w=300)

    assert limits_to_try(("auto",), board) == [300, 250, 200, 150, 100]
    assert limits_to_try(("120", "300"), board) == [300, 120]
