"""Which source is taken, and what is said of the others."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, final

import pytest

from trackers.errors import SourcePermissionError, SourceUnavailableError, UnknownDeviceError
from trackers.sample import Component, Device, Observation, process_device
from trackers.source import PowerSource
from trackers.sources.detect import SOURCES, Candidate, Request, detect, words

BOARDS = frozenset({Component.GPU})
CPU = frozenset({Component.CPU})


def refuses(
    name: str, error: SourceUnavailableError, *, components: frozenset[Component] = CPU
) -> Candidate:
    """A source that cannot be used."""

    def open_it(_: Request) -> NoReturn:
        raise error

    return Candidate(name=name, components=components, open=open_it)


def opens(name: str, source: PowerSource) -> Candidate:
    """A source that can."""
    components = frozenset(device.component for device in source.devices())
    return Candidate(name=name, components=components, open=lambda _: source)


@final
class Machine:
    """A source of these devices, each of which draws 1 W."""

    note, estimated, counter_persists = "as made up", False, False

    def __init__(self, name: str, *devices: Device) -> None:
        """Measure the devices."""
        self.name = name
        self.is_closed = False
        self._devices = devices

    def devices(self) -> Sequence[Device]:
        """See `PowerSource`."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        del device_uuid, counter
        return Observation(time_s=0, power_w=1)

    def close(self) -> None:
        """See `PowerSource`."""
        self.is_closed = True


def device(uuid: str, component: Component) -> Device:
    """A device."""
    return Device(uuid=uuid, name=uuid, component=component)


@pytest.fixture
def board() -> Machine:
    """A source of one board."""
    return Machine("board", device("GPU-1", Component.GPU))


@pytest.fixture
def cpu() -> Machine:
    """A source of a CPU and its memory."""
    return Machine("cpu", device("cpu:h", Component.CPU), device("memory:h", Component.MEMORY))


@pytest.fixture
def estimate() -> Machine:
    """Another source of the CPU."""
    return Machine("estimate", device("cpu:other", Component.CPU))


def test_sensors_come_before_the_estimate() -> None:
    """Boards first, then CPU sensors, and an estimate only where there is nothing else."""
    names = [each.name for each in SOURCES]
    assert (names[0], names[-1]) == ("nvml", "estimate")
    assert len(set(names)) == len(names)
    assert words() == ("auto", *names)


def test_all_that_works_is_taken_each_for_its_components(
    board: Machine, cpu: Machine, estimate: Machine
) -> None:
    """Board, CPU and memory are measured together; no estimate of what is measured."""
    table = (opens("a", board), opens("b", cpu), opens("c", estimate))

    detection = detect(candidates=table)

    assert detection.sources == (board, cpu)
    assert detection.source is board
    assert [each.uuid for each in detection.devices] == ["GPU-1", "cpu:h", "memory:h"]
    assert detection.unmeasured_components == (Component.NODE,)
    assert detection.refused == {"c": "cpu: measured by a source above it"}


def test_the_estimate_fills_in_for_a_cpu_that_nothing_measures(
    board: Machine, estimate: Machine
) -> None:
    """Reasons of refusal are kept with their remedy, and what stays blind is named."""
    refusal = refuses("b", SourcePermissionError("chmod a+r it"))

    detection = detect(candidates=(opens("a", board), refusal, opens("c", estimate)))

    assert detection.sources == (board, estimate)
    assert detection.refused == {"b": "chmod a+r it"}
    assert detection.unmeasured_components == (Component.MEMORY, Component.NODE)


def test_boards_of_several_vendors_are_measured_side_by_side(board: Machine) -> None:
    """A second source of boards is taken for those that the first does not have."""
    other = Machine("amd", device("GPU-1", Component.GPU), device("pci:3", Component.GPU))

    detection = detect(candidates=(opens("a", board), opens("b", other)))

    assert [each.uuid for each in detection.devices] == ["GPU-1", "pci:3"]
    second = detection.sources[1]
    assert second.observe("pci:3", counter=False).power_w == 1
    with pytest.raises(UnknownDeviceError, match="'GPU-1'"):
        second.observe("GPU-1", counter=False)


def test_a_source_is_taken_for_what_is_left_of_it(cpu: Machine) -> None:
    """Of one that measures CPU and node the node is taken, where another has the CPU."""
    rails = Machine("rails", device("in", Component.NODE), device("cpu:rail", Component.CPU))

    detection = detect(candidates=(opens("a", cpu), opens("b", rails)))

    assert [each.uuid for each in detection.devices] == ["cpu:h", "memory:h", "in"]
    assert "used for node only" in detection.sources[1].note
    with pytest.raises(UnknownDeviceError):
        detection.sources[1].observe(process_device(1), counter=False)
    detection.close()
    assert rails.is_closed


def test_several_names_are_taken_in_their_order(board: Machine, cpu: Machine) -> None:
    """`--tracker b a`: both, and nothing else."""
    table = (
        opens("a", board),
        opens("b", cpu),
        opens("c", Machine("c", device("n", Component.NODE))),
    )

    detection = detect(Request(tracker=("b", "a")), candidates=table)

    assert detection.sources == (cpu, board)


def test_two_names_for_one_thing_are_refused(cpu: Machine, estimate: Machine) -> None:
    """Nothing is measured twice behind the user's back; what was opened is closed."""
    table = (opens("a", cpu), opens("b", estimate))

    with pytest.raises(SourceUnavailableError, match="'b' measures only what cpu measures already"):
        detect(Request(tracker=("a", "b")), candidates=table)

    assert cpu.is_closed
    assert estimate.is_closed


def test_boards_are_passed_over_where_the_cpu_computes(board: Machine, cpu: Machine) -> None:
    """A trial on the CPU is not charged with the energy of an idle board."""
    table = (opens("a", board), opens("b", cpu))

    detection = detect(Request(accelerator=False), candidates=table)

    assert detection.source is cpu
    assert detection.refused == {"a": "what is measured here runs on the CPU"}


def test_a_name_is_taken_at_its_word(board: Machine, cpu: Machine) -> None:
    """The named source and no other; also boards where the CPU computes, since it was asked for."""
    table = (opens("a", cpu), opens("b", board))

    assert detect(Request(tracker="b", accelerator=False), candidates=table).source is board


def test_a_named_source_that_is_refused_is_an_error(cpu: Machine) -> None:
    """No other is taken in its place behind the user's back."""
    table = (refuses("a", SourcePermissionError("chmod a+r it")), opens("b", cpu))

    with pytest.raises(SourcePermissionError, match=r"chmod a\+r it"):
        detect(Request(tracker="a"), candidates=table)


def test_an_unknown_word_is_refused_with_the_known_ones() -> None:
    """What was got, what is allowed."""
    with pytest.raises(
        SourceUnavailableError, match=r"'nvlm'.*auto, nvml.*estimate.*\.csv or \.yaml file"
    ):
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


def test_a_source_that_fails_in_an_unforeseen_way_hides_no_other() -> None:
    """Neither a study nor a training ends because of one vendor's library."""

    def broken(_: Request) -> NoReturn:
        b"\xf8".decode()
        raise AssertionError

    cpu = Machine("cpu", device("cpu:a", Component.CPU))
    table = (Candidate(name="odd", components=BOARDS, open=broken), opens("cpu", cpu))

    found = detect(Request(), candidates=table)

    assert found.sources == (cpu,)
    assert "odd: unexpected error: UnicodeDecodeError" in found.refused["odd"]


def test_a_name_is_no_request() -> None:
    """It says what is."""
    with pytest.raises(TypeError, match=r"detect takes a Request, .* not 'nvml'"):
        detect("nvml")  # type: ignore[arg-type]


@final
class Unlisted:
    """A source that opens, and then fails to say what it measures."""

    name, note, estimated, counter_persists = "unlisted", "as made up", False, False

    def __init__(self, error: BaseException) -> None:
        """Fail with an error."""
        self.is_closed = False
        self._error = error

    def devices(self) -> NoReturn:
        """Fail."""
        raise self._error

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        raise NotImplementedError

    def close(self) -> None:
        """See `PowerSource`."""
        self.is_closed = True


def test_a_source_that_is_not_taken_is_closed(cpu: Machine) -> None:
    """Also one that fails after it was opened; the others are taken."""
    odd = Unlisted(OSError("no bus"))
    table = (Candidate(name="odd", components=BOARDS, open=lambda _: odd), opens("cpu", cpu))

    found = detect(candidates=table)

    assert (odd.is_closed, found.sources) == (True, (cpu,))


def test_what_was_opened_is_closed_where_the_user_gives_up(board: Machine) -> None:
    """After Ctrl-C in a notebook the process goes on."""
    odd = Unlisted(KeyboardInterrupt())
    table = (opens("board", board), Candidate(name="odd", components=CPU, open=lambda _: odd))

    with pytest.raises(KeyboardInterrupt):
        detect(candidates=table)

    assert (board.is_closed, odd.is_closed) == (True, True)
