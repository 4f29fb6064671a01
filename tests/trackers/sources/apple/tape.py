"""A recorded stream of powermetrics, and one that a test feeds."""

import itertools
import plistlib
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trackers.clock import ManualClock
from trackers.sources.apple.powermetrics import PowermetricsSource
from trackers.sources.apple.powermetrics_process import Stream

RECORDING = (Path(__file__).parents[3] / "data" / "powermetrics_mac14.plists").read_bytes()
GPU, CPU = "apple-gpu:Mac14,7:mac-1", "cpu:mac-1"


def plist(**content: Any) -> bytes:  # noqa: ANN401 - whatever a property list holds
    """One sample of 100 ms with some content."""
    return plistlib.dumps({"elapsed_ns": 100_000_000, "hw_model": "Mac14,7", **content})


class Tape:
    """A stream that a test feeds piece by piece."""

    def __init__(self, *chunks: bytes, complaint: str = "", ends: bool = False) -> None:
        """Begin with some chunks; end after them if told to."""
        self._chunks: queue.Queue[bytes | None] = queue.Queue()
        self._complaint = complaint
        self.is_closed = False
        for chunk in chunks:
            self._chunks.put(chunk)
        if ends:
            self._chunks.put(None)

    def __iter__(self) -> Iterator[bytes]:
        """Chunks as they are fed; coming back for the next says that one was worked through."""
        while (chunk := self._chunks.get()) is not None:
            yield chunk
            self._chunks.task_done()

    def feed(self, chunk: bytes) -> None:
        """Give a chunk, and wait until it was worked through."""
        self._chunks.put(chunk)
        self.wait()

    def wait(self) -> None:
        """Wait until all chunks were worked through."""
        self._chunks.join()

    def end(self) -> None:
        """Let the stream end."""
        self._chunks.put(None)

    def stderr_text(self) -> str:
        """What a test said it complains of."""
        return self._complaint

    def close(self) -> None:
        """End, as a closed pipe does."""
        self.is_closed = True
        self.end()


def opened(tape: Stream, clock: ManualClock | None = None, **options: Any) -> PowermetricsSource:  # noqa: ANN401
    """A source that plays a tape."""
    return PowermetricsSource(
        start=lambda _: tape, clock=clock or ManualClock(50), hostname="mac-1", **options
    )


def chunked(stream: bytes, cuts: list[int]) -> list[bytes]:
    """A stream cut at some places."""
    places = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(places)]
