"""Which source is taken, and what is said of the others."""

from pathlib import Path
from typing import NoReturn

import pytest

from tests.trackers.scripted import ScriptedSource
from trackers.clock import ManualClock
from trackers.errors import SourcePermissionError, SourceUnavailableError
from trackers.source import PowerSource
from trackers.sources.detect import SOURCES, Candidate, Request, detect, words


def refuses(
    name: str, error: SourceUnavailableError, *, of_accelerators: bool = False
) -> Candidate:
    """A source that cannot be used."""

    def open_it(_: Request) -> NoReturn:
        raise error

    return Candidate(name=name, of_accelerators=of_accelerators, open=open_it)


def opens(name: str, source: PowerSource, *, of_accelerators: bool = False) -> Candidate:
    """A source that can."""
    return Candidate(name=name, of_accelerators=of_accelerators, open=lambda _: source)


@pytest.fixture
def board() -> PowerSource:
    """A source of boards."""
    return ScriptedSource(ManualClock(), power_w=lambda _: 100.0)


@pytest.fixture
def cpu() -> PowerSource:
    """A source of the CPU."""
    return ScriptedSource(ManualClock(), counter_j=lambda time_s: time_s)


def test_sensors_come_before_the_estimate() -> None:
    """Boards first, then CPU sensors, and an estimate only where there is nothing else."""
    assert [each.name for each in SOURCES] == ["nvml", "powermetrics", "rapl", "estimate"]
    assert words() == ("auto", "nvml", "powermetrics", "rapl", "estimate")


def test_the_first_that_opens_is_taken(board: PowerSource, cpu: PowerSource) -> None:
    """The table's order decides; what stands below is not tried."""
    table = (opens("a", board), opens("b", cpu))

    detection = detect(candidates=table)

    assert detection.source is board
    assert detection.refused == {}


def test_reasons_of_refusal_are_kept(cpu: PowerSource) -> None:
    """Each source above the taken one says why it was not, with its remedy."""
    table = (
        refuses("a", SourceUnavailableError("no driver; install it")),
        refuses("b", SourcePermissionError("chmod a+r it")),
        opens("c", cpu),
    )

    detection = detect(candidates=table)

    assert detection.source is cpu
    assert detection.refused == {"a": "no driver; install it", "b": "chmod a+r it"}


def test_boards_are_passed_over_where_the_cpu_computes(
    board: PowerSource, cpu: PowerSource
) -> None:
    """A trial on the CPU is not charged with the energy of an idle board."""
    table = (opens("a", board, of_accelerators=True), opens("b", cpu))

    detection = detect(Request(accelerator=False), candidates=table)

    assert detection.source is cpu
    assert detection.refused == {"a": "what is measured here runs on the CPU"}


def test_a_name_is_taken_at_its_word(board: PowerSource, cpu: PowerSource) -> None:
    """The named source and no other; also boards where the CPU computes, since it was asked for."""
    table = (opens("a", cpu), opens("b", board, of_accelerators=True))

    assert detect(Request(tracker="b", accelerator=False), candidates=table).source is board


def test_a_named_source_that_is_refused_is_an_error(cpu: PowerSource) -> None:
    """No other is taken in its place behind the user's back."""
    table = (refuses("a", SourcePermissionError("chmod a+r it")), opens("b", cpu))

    with pytest.raises(SourcePermissionError, match=r"chmod a\+r it"):
        detect(Request(tracker="a"), candidates=table)


def test_an_unknown_word_is_refused_with_the_known_ones() -> None:
    """What was got, what is allowed."""
    with pytest.raises(SourceUnavailableError, match=r"'nvlm'.*auto, nvml.*estimate.*\.csv file"):
        detect(Request(tracker="nvlm"))


def test_where_nothing_opens_all_reasons_are_told() -> None:
    """The error holds the reasons of all sources."""
    table = (
        refuses("a", SourceUnavailableError("no driver")),
        refuses("b", SourceUnavailableError("no zones")),
    )

    with pytest.raises(SourceUnavailableError, match=r"no driver.*no zones"):
        detect(candidates=table)


def test_a_path_is_played_back(tmp_path: Path) -> None:
    """A word that ends in `.csv` is a recording; a missing one is refused."""
    path = tmp_path / "run.csv"
    path.write_text("time_s,power_w\n0,120\n10,120\n")

    source = detect(Request(tracker=str(path))).source

    assert source.name == "recorded"
    assert source.observe("recorded:run.csv", counter=False).power_w == 120
    with pytest.raises(SourceUnavailableError, match=r"none\.csv"):
        detect(Request(tracker=str(tmp_path / "none.csv")))


def test_the_rated_watts_reach_the_estimate() -> None:
    """`--cpu-watts` is what the estimate multiplies with, and its note says so."""
    source = detect(Request(tracker="estimate", cpu_watts=321.0)).source

    assert source.devices()[0].power_limit_w == pytest.approx(321.0)
    assert "--cpu-watts" in source.note
    assert source.estimated
