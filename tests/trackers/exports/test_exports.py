"""Exporters in threads of their own: what they take, and what happens when they fail."""

import threading

from tests.trackers.exports.remembering import Remembering, an_epoch, asked
from trackers.exports.export_queue import ExportQueue
from trackers.exports.exporter import Exporter, ExportRefusedError, Study
from trackers.exports.exports import Exports

STUDY = Study(identity="s/1", name="s")


def free(**more: object) -> Remembering:
    """An exporter that waits for nobody."""
    made = Remembering(**more)  # type: ignore[arg-type]
    made.held.set()
    return made


def test_all_hear_everything_in_its_order() -> None:
    """Each exporter is given every event, in the order in which they came."""
    first, second = free(), free()

    with Exports([asked(first), asked(second)], say=lambda _: None) as exports:
        exports.begin(STUDY)
        for number in range(1, 4):
            exports.epoch(an_epoch(number))
        exports.will_end(finished=True, totals={})

    assert first.heard == ["begin s", "epoch 1", "epoch 2", "epoch 3", "end True"]
    assert second.heard == first.heard


def test_nothing_happens_before_the_beginning() -> None:
    """A study that is refused before it begins reaches nobody."""
    exporter = free()

    with Exports([asked(exporter)], say=lambda _: None) as exports:
        exports.will_end(finished=False, totals={})

    assert exporter.heard == []


def test_one_that_is_slow_delays_nobody() -> None:
    """While one exporter waits, events are taken at once, and the others have them."""
    slow, quick = Remembering(), free()
    has_heard = threading.Event()
    quick.devices = lambda _: has_heard.set()  # type: ignore[method-assign, assignment]
    exports = Exports([asked(slow), asked(quick)], say=lambda _: None)

    exports.begin(STUDY)
    exports.epoch(an_epoch(1))
    exports.devices([])

    assert has_heard.wait(60)
    assert slow.heard == []
    slow.held.set()
    exports.close()
    assert slow.heard == ["begin s", "epoch 1", "0 devices", "end False"]


def test_of_devices_that_wait_the_newest_is_handed_on() -> None:
    """A server may be away for hours: what comes every second is not to fill the place of epochs."""
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


def test_a_newest_that_fails_is_tried_again() -> None:
    """Like anything else."""
    exporter = free(fails=2)
    queue = ExportQueue("memory", lambda: exporter, lambda _: None, first_pause_s=0.0)
    is_done = threading.Event()

    queue.post_newest(lambda each: each.devices([]))
    queue.post(lambda _: is_done.set())

    assert is_done.wait(60)
    queue.close()
    assert exporter.heard == ["0 devices"]


def test_one_that_fails_is_tried_again_and_it_is_said_once() -> None:
    """What failed is done again until it goes well, in its order, with one sentence to the user."""
    said: list[str] = []
    exporter = free(fails=2)
    queue = ExportQueue("memory", lambda: exporter, said.append, first_pause_s=0.0)
    is_done = threading.Event()

    queue.post(lambda each: each.begin(STUDY))
    queue.post(lambda each: each.epoch(an_epoch(1)))
    queue.post(lambda each: each.epoch(an_epoch(2)))
    queue.post(lambda _: is_done.set())

    assert is_done.wait(60)
    queue.close()
    assert exporter.heard == ["begin s", "epoch 1", "epoch 2"]
    assert len([each for each in said if "nobody there" in each]) == 1


def test_a_password_is_shown_to_nobody() -> None:
    """Neither where an exporter sends to, nor what its library says of an address that fails."""
    said: list[str] = []
    exporter = free()
    exporter.where = "a list at http://me:secret@host/x"
    queue = ExportQueue("memory", lambda: exporter, said.append, first_pause_s=0.0)

    def refused(_: Exporter) -> None:
        message = "API request to http://me:secret@host/x failed"
        raise ExportRefusedError(message)

    queue.post(refused)
    queue.close()

    assert said == [
        "--log memory: a list at http://host/x",
        "--log memory: refused, and skipped: API request to http://host/x failed",
    ]


def test_what_is_refused_is_left_out() -> None:
    """An event that the other side says no to does not stop those after it."""
    said: list[str] = []
    exporter = free(refuses=frozenset({2}))

    with Exports([asked(exporter)], say=said.append) as exports:
        exports.begin(STUDY)
        for number in range(1, 4):
            exports.epoch(an_epoch(number))

    assert exporter.heard == ["begin s", "epoch 1", "epoch 3", "end False"]
    assert [each for each in said if "not welcome" in each]


def test_the_end_does_not_wait_for_one_that_is_gone() -> None:
    """A study ends although nobody takes what is left; that is said."""
    said: list[str] = []
    exporter = free(fails=1_000_000)
    exports = Exports([asked(exporter)], say=said.append)

    exports.begin(STUDY)
    exports.close()

    assert exporter.heard == []
    assert "ended before everything was exported" in said[-1]
