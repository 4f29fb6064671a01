"""What the first and the second signal do in each part of a study."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from study.execution.interrupts import Interrupts
from trackers.terminal import INTERRUPTED

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Signals do what they do in a terminal, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def left() -> list[int]:
    """Statuses with which the program was left."""
    return []


@pytest.fixture
def interrupts(left: list[int]) -> Iterator[Interrupts]:
    """Signals of this process, taken."""
    with Interrupts(leave=left.append) as taken:
        yield taken


@pytest.fixture
def stopped(interrupts: Interrupts) -> Iterator[list[int]]:
    """Stands for Tune, which takes SIGUSR1 as a wish to stop, once the trials have begun."""
    interrupts.trials_begin()
    stops: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        stops.append(number)

    before = signal.signal(signal.SIGUSR1, stop)
    yield stops
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_before_the_trials_a_signal_waits_until_ray_has_started(
    number: signal.Signals,
    interrupts: Interrupts,
    left: list[int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Then the command ends, because nothing is there yet to be written; the second leaves."""
    interrupts.started()  # no signal, no end
    signal.raise_signal(number)
    after_one = list(left)
    said = capfd.readouterr().err

    with pytest.raises(KeyboardInterrupt):
        interrupts.started()
    signal.raise_signal(signal.SIGINT)

    assert (after_one, left) == ([], [INTERRUPTED])
    assert "as soon as Ray has started" in said


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_stops_the_trials_and_the_second_leaves(
    number: signal.Signals,
    interrupts: Interrupts,
    stopped: list[int],
    left: list[int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """SIGTERM is like Ctrl-C, and each says what it does."""
    came = [interrupts.received]
    signal.raise_signal(number)
    after_one = (len(stopped), list(left), capfd.readouterr().err)
    signal.raise_signal(signal.SIGINT)

    assert after_one[:2] == (1, [])
    assert [*came, interrupts.received] == [False, True]
    assert "press Ctrl-C again to quit" in after_one[2]
    assert (len(stopped), left) == (1, [INTERRUPTED])
    assert "--resume" in capfd.readouterr().err


@pytest.mark.usefixtures("stopped")
def test_before_tune_has_begun_the_first_signal_raises(interrupts: Interrupts) -> None:
    """There are no trials to stop: an earlier run of Tune has ended and would stop nothing."""
    interrupts.trials_begin()

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_while_the_results_are_written_the_first_signal_waits(
    interrupts: Interrupts, stopped: list[int], left: list[int]
) -> None:
    """The second leaves, be it that the first came while the trials ran."""
    interrupts.trials_end()

    signal.raise_signal(signal.SIGTERM)
    after_one = list(left)
    signal.raise_signal(signal.SIGINT)

    assert (after_one, left, stopped) == ([], [INTERRUPTED], [])


def test_a_terminal_and_its_shell_say_once_that_they_are_gone(
    interrupts: Interrupts, stopped: list[int], left: list[int]
) -> None:
    """Both send SIGHUP: the second of them is no wish to leave at once, a later Ctrl-C is."""
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGHUP)
    after_two = list(left)
    signal.raise_signal(signal.SIGINT)

    assert interrupts.received
    assert (after_two, left) == ([], [INTERRUPTED])
    assert len(stopped) == 1


def test_under_nohup_a_terminal_that_goes_stops_nothing() -> None:
    """The study is to go on, as whoever started it so wished."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)

    assert not interrupts.received


def test_the_signals_are_given_back() -> None:
    """What took them before takes them afterwards."""
    before = [signal.getsignal(each) for each in SIGNALS]

    with Interrupts():
        within = [signal.getsignal(each) for each in SIGNALS]

    assert [signal.getsignal(each) for each in SIGNALS] == before
    assert within != before
