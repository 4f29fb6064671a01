"""Several exporters at once: order of events, slow exporters, and failures."""

import threading

from tests.trackers.exports.remembering import Remembering, an_epoch, asked
from trackers.exports.export_queue import ExportQueue
from trackers.exports.exporter import Exporter, ExportRefusedError, Study
from trackers.exports.exports import Exports

STUDY = Study(identity="s/1", name="s")


def unblocked(**more: object) -> Remembering:
    """An exporter whose calls do not block."""
    made = Remembering(**more)  # type: ignore[arg-type]
    made.held.set()
    return made


def test_every_exporter_gets_all_events_in_order() -> None:
    """Each of two exporters gets the events in the order in which they were sent."""
    first, second = unblocked(), unblocked()

    with Exports([asked(first), asked(second)], say=lambda _: None) as exports:
        exports.begin(STUDY)
        for number in range(1, 4):
            exports.epoch(an_epoch(number))
        exports.will_end(finished=True, totals={})

    assert first.heard == ["begin s", "epoch 1", "epoch 2", "epoch 3", "end True"]
    assert second.heard == first.heard


def test_nothing_is_exported_before_a_study_begins() -> None:
    """A study that fails before it begins is not exported."""
    exporter = unblocked()

    with Exports([asked(exporter)], say=lambda _: None) as exports:
        exports.will_end(finished=False, totals={})

    assert exporter.heard == []


def test_a_slow_exporter_delays_no_other() -> None:
    """While one exporter blocks, calls return at once and the other exporter gets the events."""
    slow, quick = Remembering(), unblocked()
    was_called = threading.Event()
    quick.devices = lambda _: was_called.set()  # type: ignore[method-assign, assignment]
    exports = Exports([asked(slow), asked(quick)], say=lambda _: None)

    exports.begin(STUDY)
    exports.epoch(an_epoch(1))
    exports.devices([])

    assert was_called.wait(60)
    assert slow.heard == []
    slow.held.set()
    exports.close()
    assert slow.heard == ["begin s", "epoch 1", "0 devices", "end False"]


def test_only_the_newest_waiting_device_report_is_sent() -> None:
    """A server may be down for hours; reports that come every second must not crowd out the epochs."""
    slow = Remembering()
    exports = Exports([asked(slow)], say=lambda _: None)

    exports.begin(STUDY)
    for _ in range(3):
        exports.devices([])
    exports.epoch(an_epoch(1))
    exports.devices([])
    slow.held.set()
    exports.close()

    assert slow.heard == ["begin s", "0 devices", "epoch 1", "end False"]


def test_a_failed_device_report_is_repeated() -> None:
    """A newest job is repeated until it succeeds, like any other job."""
    exporter = unblocked(fails=2)
    queue = ExportQueue("memory", lambda: exporter, lambda _: None, first_pause_s=0.0)
    is_done = threading.Event()

    queue.post_newest(lambda each: each.devices([]))
    queue.post(lambda _: is_done.set())

    assert is_done.wait(60)
    queue.close()
    assert exporter.heard == ["0 devices"]


def test_failed_events_are_repeated_with_one_message() -> None:
    """A failed event is repeated until it succeeds, in order; the user gets one message."""
    messages: list[str] = []
    exporter = unblocked(fails=2)
    queue = ExportQueue("memory", lambda: exporter, messages.append, first_pause_s=0.0)
    is_done = threading.Event()

    queue.post(lambda each: each.begin(STUDY))
    queue.post(lambda each: each.epoch(an_epoch(1)))
    queue.post(lambda each: each.epoch(an_epoch(2)))
    queue.post(lambda _: is_done.set())

    assert is_done.wait(60)
    queue.close()
    assert exporter.heard == ["begin s", "epoch 1", "epoch 2"]
    assert len([each for each in messages if "nobody there" in each]) == 1


def test_passwords_are_removed_from_messages() -> None:
    """Neither the exporter's address nor an error of its library shows one."""
    messages: list[str] = []
    exporter = unblocked()
    exporter.where = "a list at http://me:secret@host/x"
    queue = ExportQueue("memory", lambda: exporter, messages.append, first_pause_s=0.0)

    def refused(_: Exporter) -> None:
        message = "API request to http://me:secret@host/x failed"
        raise ExportRefusedError(message)

    queue.post(refused)
    queue.close()

    assert messages == [
        "--log memory: a list at http://host/x",
        "--log memory: refused, and skipped: API request to http://host/x failed",
    ]


def test_a_refused_event_is_skipped() -> None:
    """The events after it are exported, and the user gets a message."""
    messages: list[str] = []
    exporter = unblocked(refuses=frozenset({2}))

    with Exports([asked(exporter)], say=messages.append) as exports:
        exports.begin(STUDY)
        for number in range(1, 4):
            exports.epoch(an_epoch(number))

    assert exporter.heard == ["begin s", "epoch 1", "epoch 3", "end False"]
    assert [each for each in messages if "not welcome" in each]


def test_the_end_does_not_wait_for_an_unreachable_exporter() -> None:
    """The study ends with events left over, and says so."""
    messages: list[str] = []
    exporter = unblocked(fails=1_000_000)
    exports = Exports([asked(exporter)], say=messages.append)

    exports.begin(STUDY)
    exports.close()

    assert exporter.heard == []
    assert "ended before everything was exported" in messages[-1]
