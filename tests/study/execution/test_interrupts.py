"""Effects of the first and the second signal in each phase of a study."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from study.execution.interrupts import Interrupts
from trackers.terminal import INTERRUPTED

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def default_sighup() -> Iterator[None]:
    """Handle SIGHUP by default, as in a terminal, even if the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def statuses() -> list[int]:
    """Statuses with which the program was left."""
    return []


@pytest.fixture
def interrupts(statuses: list[int]) -> Iterator[Interrupts]:
    """Interrupts of this process, which record how the program would be left."""
    with Interrupts(leave=statuses.append) as taken:
        yield taken


@pytest.fixture
def stopped(interrupts: Interrupts) -> Iterator[list[int]]:
    """The SIGUSR1 signals that Tune would receive, each a request to stop, once the trials have begun."""
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
    statuses: list[int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Then the command ends, as there are no results to write; a second signal ends it at once."""
    interrupts.started()  # without a signal, nothing is raised
    signal.raise_signal(number)
    after_one = list(statuses)
    message = capfd.readouterr().err

    with pytest.raises(KeyboardInterrupt):
        interrupts.started()
    signal.raise_signal(signal.SIGINT)

    assert (after_one, statuses) == ([], [INTERRUPTED])
    assert "as soon as Ray has started" in message


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_stops_the_trials_and_the_second_leaves(
    number: signal.Signals,
    interrupts: Interrupts,
    stopped: list[int],
    statuses: list[int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """SIGTERM and SIGHUP act like Ctrl-C, and each signal prints what it does."""
    received = [interrupts.received]
    signal.raise_signal(number)
    after_one = (len(stopped), list(statuses), capfd.readouterr().err)
    signal.raise_signal(signal.SIGINT)

    assert after_one[:2] == (1, [])
    assert [*received, interrupts.received] == [False, True]
    assert "press Ctrl-C again to quit" in after_one[2]
    assert (len(stopped), statuses) == (1, [INTERRUPTED])
    assert "--resume" in capfd.readouterr().err


@pytest.mark.usefixtures("stopped")
def test_before_tune_runs_the_first_signal_raises(interrupts: Interrupts) -> None:
    """There are no trials to stop, and the handler of an earlier run of Tune would do nothing."""
    interrupts.trials_begin()

    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_while_results_are_written_the_first_signal_does_not_interrupt(
    interrupts: Interrupts, stopped: list[int], statuses: list[int]
) -> None:
    """Writing continues after the first signal; the second leaves at once."""
    interrupts.trials_end()

    signal.raise_signal(signal.SIGTERM)
    after_one = list(statuses)
    signal.raise_signal(signal.SIGINT)

    assert (after_one, statuses, stopped) == ([], [INTERRUPTED], [])


def test_after_a_signal_during_the_trials_one_while_writing_leaves(
    interrupts: Interrupts, stopped: list[int], statuses: list[int]
) -> None:
    """Signals are counted over both phases: whoever presses Ctrl-C a second time quits at once."""
    signal.raise_signal(signal.SIGINT)
    interrupts.trials_end()
    after_one = list(statuses)

    signal.raise_signal(signal.SIGTERM)

    assert (after_one, statuses) == ([], [INTERRUPTED])
    assert len(stopped) == 1


def test_repeated_sighup_counts_once(
    interrupts: Interrupts, stopped: list[int], statuses: list[int]
) -> None:
    """A closing terminal and its shell both send SIGHUP; only a later Ctrl-C leaves at once."""
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGHUP)
    after_two = list(statuses)
    signal.raise_signal(signal.SIGINT)

    assert interrupts.received
    assert (after_two, statuses) == ([], [INTERRUPTED])
    assert len(stopped) == 1


def test_under_nohup_a_closing_terminal_stops_nothing() -> None:
    """A study that was started with nohup is meant to outlive its terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGHUP)

    assert not interrupts.received


def test_the_earlier_handlers_are_restored() -> None:
    """After the block, each signal has the handler that it had before."""
    before = [signal.getsignal(each) for each in SIGNALS]

    with Interrupts():
        within = [signal.getsignal(each) for each in SIGNALS]

    assert [signal.getsignal(each) for each in SIGNALS] == before
    assert within != before
