"""What boards say of themselves beside their energy."""

from typing import final

from tests.trackers.scripted import BOARD, OTHER, ScriptedSource
from trackers.clock import ManualClock
from trackers.meter.state_watch import ASK_EACH_S, StateWatch
from trackers.sample import BoardState


@final
class Telling:
    """A source whose first board counts how often it was asked, and whose second raises."""

    name = "telling"
    note = "what the test says"
    estimated = False
    counter_outlives = True

    def __init__(self, clock: ManualClock) -> None:
        """Measure as a scripted source does."""
        source = ScriptedSource(clock, power_w=lambda _: 100.0, uuids=(BOARD, OTHER))
        self.devices, self.observe, self.close = source.devices, source.observe, source.close
        self.asked = 0

    def state(self, device_uuid: str) -> BoardState:
        """Warmer each time."""
        if device_uuid == OTHER:
            message = "no state today"
            raise ValueError(message)
        self.asked += 1
        return BoardState(temperature_c=40.0 + self.asked)


def test_boards_are_asked_now_and_then() -> None:
    """Not with each sample."""
    clock = ManualClock()
    source = Telling(clock)
    watch = StateWatch(source, clock)

    for _ in range(20):
        watch.ask([BOARD])
        clock.advance(ASK_EACH_S / 10)

    assert source.asked == 2
    assert watch.last(BOARD).temperature_c == 42.0


def test_a_board_that_raises_tells_nothing_and_stops_nobody() -> None:
    """The next board is asked all the same."""
    clock = ManualClock()
    watch = StateWatch(Telling(clock), clock)

    watch.ask([OTHER, BOARD])

    assert watch.last(OTHER) == BoardState()
    assert watch.last(BOARD).temperature_c == 41.0


def test_a_source_without_states_tells_none() -> None:
    """CPUs, recordings and estimates have none."""
    clock = ManualClock()
    watch = StateWatch(ScriptedSource(clock, power_w=lambda _: 1.0), clock)

    watch.ask([BOARD])

    assert watch.last(BOARD) == BoardState()
