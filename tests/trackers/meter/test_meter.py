"""The meter on sensors whose energy is known in closed form."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trackers.meter.metered import PERIOD_S, energy_j, metered, only, run
from tests.trackers.scripted import BOARD, OTHER, ScriptedSource
from trackers.clock import ManualClock, MonotonicClock
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Status
from trackers.sources.detect import Detection
from trackers.sources.recorded import RecordedSource


@given(
    power_w=st.floats(min_value=0, max_value=700), periods=st.integers(min_value=1, max_value=200)
)
def test_constant_power_is_power_times_time(power_w: float, periods: int) -> None:
    """The energy is P x t, and the reading is ok and fully covered."""
    clock = ManualClock(1000.0)
    meter = metered(RecordedSource(lambda _: power_w, clock=clock), clock)

    with meter.window("epoch") as window:
        run(meter, clock, periods * PERIOD_S)

    reading = only(window.readings)
    assert energy_j(reading) == pytest.approx(power_w * periods * PERIOD_S)
    assert (reading.method, reading.status) == (Method.SAMPLED, Status.OK)
    assert (reading.start_s, reading.coverage) == (1000.0, 1.0)
    assert reading.duration_s == periods * PERIOD_S


def test_a_ramp_is_measured_exactly() -> None:
    """Each sample stands for the time around it, so that a slope is seen neither early nor late."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda time_s: 10 * time_s, clock=clock), clock)

    with meter.window("epoch") as window:
        run(meter, clock, 20.0)

    assert energy_j(only(window.readings)) == pytest.approx(10 * 20.0**2 / 2)


@given(step_s=st.floats(min_value=0.5, max_value=2.5))
def test_a_step_is_measured_to_half_a_period(step_s: float) -> None:
    """A step from 60 W to 300 W is exact if it lies half-way between two samples."""
    clock = ManualClock()
    meter = metered(
        RecordedSource(lambda time_s: 60 if time_s < step_s else 300, clock=clock), clock
    )

    with meter.window("epoch") as window:
        run(meter, clock, 3.0)

    truth_j = 60 * step_s + 300 * (3 - step_s)
    from_middle_s = abs((step_s / PERIOD_S) % 1 - 0.5) * PERIOD_S
    error_j = abs(energy_j(only(window.readings)) - truth_j)
    assert error_j == pytest.approx((300 - 60) * from_middle_s, abs=1e-6)


def test_a_counter_is_exact_whatever_samples_miss() -> None:
    """Bursts that no sample sees are in the counter, and so in the reading."""
    clock = ManualClock()
    source = ScriptedSource(
        clock, power_w=lambda _: 60.0, counter_j=lambda time_s: 1e6 + 70 * time_s
    )
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 3.0)

    reading = only(window.readings)
    assert energy_j(reading) == pytest.approx(210.0)
    assert reading.method is Method.COUNTER
    assert meter.method(BOARD) is Method.COUNTER


def test_a_counter_is_read_at_edges_only() -> None:
    """Polling a counter fast makes some boards' counters wrong."""
    read_at_s: list[float] = []

    def counter_j(time_s: float) -> float:
        read_at_s.append(time_s)
        return 60 * time_s

    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 60.0, counter_j=counter_j)
    meter = metered(source, clock)

    with meter.window("epoch"):
        run(meter, clock, 3.0)

    assert set(read_at_s) == {0.0, 3.0}


def test_a_counter_without_power_gives_power_samples() -> None:
    """The log has the mean power of the counter between its readings."""
    clock = ManualClock()
    source = ScriptedSource(clock, counter_j=lambda time_s: 50 * time_s)
    meter = metered(source, clock)

    with meter.window("epoch") as window:
        run(meter, clock, 3.0)

    assert energy_j(only(window.readings)) == pytest.approx(150.0)
    log = meter.take_log()
    assert len(log) == 3.0 / PERIOD_S
    assert {round(sample.power_w, 6) for sample in log} == {50.0}


def test_power_is_not_derived_from_readings_close_together() -> None:
    """A counter that rises in steps, and is read twice within milliseconds, gives no spike of power."""
    clock = ManualClock()
    source = ScriptedSource(clock, counter_j=lambda time_s: 50 * round(time_s, 2))
    meter = metered(source, clock)

    for _ in range(100):
        with meter.window("short"):
            clock.advance(0.006)
        clock.advance(0.019)
        meter.sample()

    assert max(sample.power_w for sample in meter.take_log()) < 60


def test_windows_nest_and_overlap() -> None:
    """Each window has its own energy, in whatever order they open and close."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda time_s: 10 * time_s, clock=clock), clock)

    meter.open("outer")
    run(meter, clock, 1.0)
    meter.open("inner")
    run(meter, clock, 1.0)
    meter.open("across")
    run(meter, clock, 1.0)
    inner = only(meter.close("inner"))
    run(meter, clock, 1.0)
    outer = only(meter.close("outer"))
    across = only(meter.close("across"))

    assert energy_j(inner) == pytest.approx(15 + 25)
    assert energy_j(outer) == pytest.approx(5 + 15 + 25 + 35)
    assert energy_j(across) == pytest.approx(25 + 35)


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=10))
def test_epochs_add_up_to_the_trial(cuts: list[int]) -> None:
    """The energies of consecutive windows add up to that of the window around them."""
    clock = ManualClock()
    meter = metered(
        RecordedSource(lambda time_s: 100 + 50 * math.sin(7 * time_s), clock=clock), clock
    )

    epochs = []
    meter.open("trial")
    for number, periods in enumerate(cuts):
        with meter.window(number) as window:
            run(meter, clock, periods * PERIOD_S)
        epochs.append(only(window.readings))
    trial = only(meter.close("trial"))

    assert math.fsum(map(energy_j, epochs)) == pytest.approx(energy_j(trial))


def test_each_device_has_its_own_reading() -> None:
    """A window covers all devices, unless it names some of them."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 100.0, uuids=(BOARD, OTHER))
    meter = metered(source, clock)

    with meter.window("all") as both, meter.window("one", devices=[OTHER]) as one:
        run(meter, clock, 1.0)

    assert set(both.readings) == {BOARD, OTHER}
    assert set(one.readings) == {OTHER}


def test_a_window_may_start_and_end_slightly_in_the_past() -> None:
    """Messages of another process may take 50 ms to open and close it; its energy stays exact."""
    clock = ManualClock()
    meter = metered(
        ScriptedSource(clock, power_w=lambda _: 80.0, counter_j=lambda time_s: 80 * time_s), clock
    )
    run(meter, clock, 1.0)

    start_s = clock.now_s()
    clock.advance(0.05)
    meter.open("epoch", start_s=start_s)
    run(meter, clock, 1.0)
    stop_s = clock.now_s()
    clock.advance(0.05)
    reading = only(meter.close("epoch", stop_s=stop_s))

    assert energy_j(reading) == pytest.approx(80 * (stop_s - start_s))
    assert (reading.method, reading.status) == (Method.COUNTER, Status.OK)


def test_an_open_window_cannot_be_opened_again() -> None:
    """The error names the window, which stays open and keeps its energy."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda _: 100.0, clock=clock), clock)

    meter.open("epoch")
    run(meter, clock, 1.0)
    with pytest.raises(ValueError, match="'epoch' is open already; close it, or"):
        meter.open("epoch")
    run(meter, clock, 1.0)

    assert energy_j(only(meter.close("epoch"))) == pytest.approx(200.0)
    assert meter.open_windows() == []


def test_closing_a_window_that_is_not_open_is_harmless() -> None:
    """There are no readings for it."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda _: 100.0, clock=clock), clock)
    meter.open("epoch")
    meter.close("epoch")

    assert meter.close("epoch") == {}
    assert meter.close("never opened") == {}


def test_mean_power_is_known_for_observed_times_only() -> None:
    """It is None for times that were not observed or have no length, and for unknown devices."""
    clock = ManualClock()
    meter = metered(RecordedSource(lambda time_s: 10 * time_s, clock=clock), clock)
    uuid = "recorded:function"

    run(meter, clock, 2.0)

    assert meter.mean_power_w(uuid, 0.0, 2.0) == pytest.approx(10.0)
    assert meter.mean_power_w(uuid, 1.0, 2.0) == pytest.approx(15.0)
    assert meter.mean_power_w(uuid, 1.0, 1.0) is None
    assert meter.mean_power_w(uuid, -10.0, 2.0) is None
    assert meter.mean_power_w("GPU-x", 0.0, 2.0) is None


def test_a_meter_accepts_a_detection() -> None:
    """`EnergyMeter(detect())` is all that another project needs."""
    source = ScriptedSource(ManualClock(), power_w=lambda _: 100.0)

    assert EnergyMeter(Detection(sources=(source,), refused={})).sources == (source,)


def test_a_restarted_meter_logs_that_it_is_useless(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its sources are closed; without the warning, missing readings would seem to be faults of devices."""
    meter = EnergyMeter(ScriptedSource(MonotonicClock(), power_w=lambda _: 100.0))
    with meter:
        pass
    assert not caplog.records

    meter.start()
    meter.stop()

    assert "Create a new meter" in caplog.text
