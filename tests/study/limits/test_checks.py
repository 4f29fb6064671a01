"""Power limits are refused before anything starts, where they cannot be set."""

import pytest

from study.errors import OptionError
from study.limits.checks import check_limits, check_limits_here, wanted_limits
from study.options import StudyOptions
from study.store.setups import grid
from trackers.sample import PowerLimits

SETUPS = grid([8], [0.1], [{"power_limit_w": 200}, {"power_limit_w": 300}])
BOARD = PowerLimits(device_uuid="GPU-1", lowest_w=100, highest_w=300, now_w=300)
NOT_MINE = PowerLimits(
    device_uuid="GPU-1", lowest_w=100, highest_w=300, now_w=300, refused="it needs root"
)


def test_a_study_without_limits_needs_none() -> None:
    """Nothing is asked of any board."""
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
def test_the_limits_of_a_study_are_known(options: StudyOptions, wanted: set[float]) -> None:
    """From its setups, or from what each training is to try."""
    setups = SETUPS if options.axis else grid([8], [0.1])

    assert wanted_limits(options, setups) == wanted


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (StudyOptions(gpus_per_trial=0.5), "give[n]* with --gpus-per-trial 0.5"),
        (StudyOptions(power_limits=("auto",)), "together with --axis power_limit_w"),
    ],
)
def test_what_does_not_go_together_is_refused(options: StudyOptions, said: str) -> None:
    """A board that is shared, and limits twice."""
    with pytest.raises(OptionError, match=said):
        wanted_limits(options, SETUPS)


def test_auto_stands_alone() -> None:
    """Watts beside it would be passed over."""
    with pytest.raises(OptionError, match="auto alone, or watts"):
        wanted_limits(StudyOptions(power_limits=("auto", "200")), grid([8], [0.1]))


@pytest.mark.parametrize(
    ("boards", "said"),
    [
        ((), "node7 has no board whose limit could be set"),
        ((NOT_MINE,), "node7, GPU-1: it needs root"),
        ((BOARD,), "350 W is out of the range of node7, GPU-1; allowed: 100 to 300 W"),
    ],
)
def test_what_a_board_does_not_take_is_refused(boards: tuple[PowerLimits, ...], said: str) -> None:
    """With the machine, the board, and what to do."""
    with pytest.raises(OptionError, match=said):
        check_limits({350.0}, {"node7": boards})


def test_a_machine_without_boards_is_refused_before_ray_starts() -> None:
    """An estimate of the CPU has no limit to set."""
    options = StudyOptions(axis=("power_limit_w=200",), tracker=("estimate",))

    with pytest.raises(OptionError, match="no board whose limit could be set"):
        check_limits_here({200.0}, options)
