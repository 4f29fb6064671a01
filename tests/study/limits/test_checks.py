"""Checks of power limits before a study starts."""

import pytest

from study.errors import OptionError
from study.limits.checks import check_limits, check_limits_here, wanted_limits
from study.options import StudyOptions
from study.store.setups import grid
from trackers.sample import PowerLimits

SETUPS = grid([8], [0.1], [{"power_limit_w": 200}, {"power_limit_w": 300}])
BOARD = PowerLimits(device_uuid="GPU-1", lowest_w=100, highest_w=300, now_w=300)
READ_ONLY = PowerLimits(
    device_uuid="GPU-1", lowest_w=100, highest_w=300, now_w=300, refused="it needs root"
)


def test_a_study_without_limits_needs_no_board() -> None:
    """Neither check looks at any board."""
    wanted = wanted_limits(StudyOptions(), grid([8], [0.1]))

    assert wanted is None
    check_limits(wanted, {"here": ()})
    check_limits_here(wanted, StudyOptions())


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (StudyOptions(axis=("power_limit_w=200,300",)), {200, 300}),
        (StudyOptions(power_limits=("150", "250")), {150, 250}),
        (StudyOptions(power_limits=("auto",)), set()),
    ],
)
def test_the_limits_of_a_study_come_from_its_setups_or_its_options(
    options: StudyOptions, wanted: set[float]
) -> None:
    """An axis sets them per setup; --power-limits lists those that each training tries."""
    setups = SETUPS if options.axis else grid([8], [0.1])

    assert wanted_limits(options, setups) == wanted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (StudyOptions(gpus_per_trial=0.5), "give[n]* with --gpus-per-trial 0.5"),
        (StudyOptions(power_limits=("auto",)), "together with --axis power_limit_w"),
    ],
)
def test_limits_with_incompatible_options_are_refused(options: StudyOptions, message: str) -> None:
    """A shared board has no limit of one trial, and only one option can set the limits."""
    with pytest.raises(OptionError, match=message):
        wanted_limits(options, SETUPS)


def test_auto_allows_no_watts_beside_it() -> None:
    """The watts would be ignored."""
    with pytest.raises(OptionError, match="auto alone, or watts"):
        wanted_limits(StudyOptions(power_limits=("auto", "200")), grid([8], [0.1]))


@pytest.mark.parametrize(
    ("boards", "message"),
    [
        ((), "node7 has no board whose limit could be set"),
        ((READ_ONLY,), "node7, GPU-1: it needs root"),
        ((BOARD,), "350 W is out of the range of node7, GPU-1; allowed: 100 to 300 W"),
    ],
)
def test_a_limit_that_a_board_cannot_be_set_to_is_refused(
    boards: tuple[PowerLimits, ...], message: str
) -> None:
    """The message names the machine, the board and the reason."""
    with pytest.raises(OptionError, match=message):
        check_limits({350.0}, {"node7": boards})


def test_a_machine_without_boards_is_refused_before_ray_starts() -> None:
    """The estimate of a CPU's power has no limit that could be set."""
    options = StudyOptions(axis=("power_limit_w=200",), tracker=("estimate",))

    with pytest.raises(OptionError, match="no board whose limit could be set"):
        check_limits_here({200.0}, options)
