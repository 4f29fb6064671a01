"""Servers that answer late, or no longer."""

import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.trackers.sources.web.plug import NOW_S, PLUG, opened, plug
from tests.waiting import PATIENCE_S, waited_for
from trackers.clock import ManualClock
from trackers.errors import ReadError
from trackers.sample import Observation
from trackers.sources.web.settings import HttpSettings
from trackers.sources.web.source import HttpSource


@pytest.mark.slow
def test_a_late_answer_is_a_gap(tmp_path: Path) -> None:
    """One reading fails, and a later one succeeds."""
    with plug(tmp_path, timeout_s=1.0) as (server, settings):
        source = opened(settings)
        server.delay_s = 2.0

        with pytest.raises(ReadError, match="timed out"):
            source.observe(settings.uuid, counter=False)

        def answered() -> Observation | None:
            with suppress(ReadError):
                return source.observe(settings.uuid, counter=False)
            return None

        server.delay_s = 0.0
        assert waited_for(answered, "an answer in time").power_w == 83.5
        source.close()


def test_a_value_with_a_time_is_of_that_time_however_long_the_answer_took() -> None:
    """A server that answers after 2 s, with a value that it made at once."""
    clock = ManualClock(7)
    settings = HttpSettings(url="http://plug", power="power", time="time")
    made_s = clock.now_s()

    def answer() -> object:
        clock.advance(2.0)
        return {"power": 83.5, "time": NOW_S}

    source = opened(
        settings, clock=clock, answer=answer, unix_time_s=lambda: NOW_S + clock.now_s() - made_s
    )
    made_s = clock.now_s()

    assert source.observe(settings.uuid, counter=False).time_s == pytest.approx(made_s)


def test_reading_does_not_wait_for_the_server(tmp_path: Path) -> None:
    """A thread asks the server; until it answers, a reading is the last answer, with its time."""
    answers = threading.Event()

    def held() -> dict[str, float]:
        answers.wait(PATIENCE_S)
        return {"apower": 60.0}

    with plug(tmp_path, every_s=0.05, timeout_s=PATIENCE_S) as (server, settings):
        source = HttpSource(settings, environment={})
        server.answers[PLUG] = held
        before_s = time.monotonic()
        seen = source.observe(settings.uuid, counter=False)
        answers.set()
        source.close()

    assert seen.power_w == 83.5
    assert seen.time_s <= before_s


def test_a_server_that_is_gone_becomes_a_gap(tmp_path: Path) -> None:
    """After three periods without an answer its last power is not given as a present one."""
    with plug(tmp_path, every_s=0.05) as (_, settings):
        source = HttpSource(settings, environment={})
        source.observe(settings.uuid, counter=False)

    with pytest.raises(ReadError, match="s old: plug: http"):
        waited_for(lambda: not source.observe(settings.uuid, counter=False), "a failed reading")
    source.close()
