"""powermetrics' stream, however it is cut or damaged."""

import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers.sources.apple.tape import RECORDING, chunked, plist
from trackers.sources.apple.powermetrics import samples


@given(st.lists(st.integers(min_value=0), max_size=20))
def test_samples_do_not_depend_on_the_chunks(cuts: list[int]) -> None:
    """However the pipe cuts the stream, inside tags and NULs too, the samples are the same."""
    whole = list(samples([RECORDING]))

    pieces = list(samples(chunked(RECORDING, cuts)))

    assert len(whole) == 5
    assert None not in whole
    assert pieces == whole


def test_a_sample_is_given_with_its_last_byte() -> None:
    """Waiting for the NUL or the next sample would make power one interval late."""
    first = RECORDING[: RECORDING.index(b"</plist>") + len(b"</plist>")]

    assert len(list(samples([first]))) == 1
    assert not list(samples([first[:-1]]))


@given(st.integers(min_value=1, max_value=len(RECORDING) - 2))
def test_a_stream_cut_short_gives_the_samples_before_the_cut(cut: int) -> None:
    """Whole samples are given, an incomplete one at the end is not."""
    whole = list(samples([RECORDING]))

    assert list(samples([RECORDING[:cut]])) == whole[: RECORDING[:cut].count(b"</plist>")]


@given(st.binary(max_size=200))
def test_garbage_never_raises_and_never_becomes_a_sample(garbage: bytes) -> None:
    """The samples before and after the garbage are read."""
    one = plist(processor={"gpu_power": 5.0})

    found = [each for each in samples([one, garbage, b"\0", one]) if each is not None]

    assert found[0].gpu_w == 0.005
    assert all(each == found[0] for each in found)
    assert len(found) == 2


@pytest.mark.parametrize(
    "damaged",
    [
        b"<?xml version='1.0'?><plist><dict><key>elapsed_ns</key></plist>",
        plist().replace(b"100000000", b"many"),
        plist().replace(b"100000000", b"0"),
        plist().replace(b"100000000", b"-5"),
        plist().replace(b"100000000", b"9" * 400),
        plist().replace(b"100000000", b"9" * 14),
        plist().replace(b"<integer>100000000</integer>", b"<real>nan</real>"),
        plist(timestamp=True).replace(b"<true/>", b"<date>yesterday</date>"),
        plist()[40:],
        plist()[:-60] + plist()[-20:],
        b"powermetrics: second underflow occurred\n</plist>",
    ],
)
def test_a_damaged_sample_is_none(damaged: bytes) -> None:
    """Each damaged sample is None, and the next one is read."""
    assert [each is None for each in samples([damaged, b"\0", plist()])] == [True, False]


def test_bytes_without_a_sample_are_not_kept() -> None:
    """Bytes that never become a sample are dropped after 4 MB, and the next sample is read."""
    tracemalloc.start()

    found = list(samples([*itertools.repeat(b"x" * (1 << 20), 64), plist()]))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found[-1] is not None
    assert set(found[:-1]) == {None}
    assert most_bytes < 20 << 20
