"""The display that a user sees while a study runs."""

import io
import re

import pytest
from rich.console import Console

from study.execution.live.progress import ProgressDisplay
from study.record.objective import Objective
from study.record.vocabulary import EnergyMethod, StopReason
from tests.study.execution.live.screens import SETUPS, Screen
from tests.study.rows import epoch, plan
from tests.study.store.recorders import came_to
from trackers.clock import ManualClock


def run_trial(
    screen: Screen,
    setup: int,
    *energies: float | None,
    stop: StopReason | None = StopReason.PATIENCE,
    method: EnergyMethod = EnergyMethod.COUNTER,
    accuracy: float | None = 0.25,
) -> None:
    """Show a trial from its beginning to its end; energies of epochs in mWh."""
    facts = SETUPS[setup - 1]
    trial = plan(setup, batch_size=facts.batch_size, learning_rate=facts.learning_rate)
    screen.progress.begin(trial.trial_id, setup)
    total_j: float | None = 0.0
    for number, energy in enumerate(energies, start=1):
        energy_j = None if energy is None else energy * 3.6
        total_j = None if energy_j is None or total_j is None else total_j + energy_j
        screen.note(
            epoch(
                number,
                energy_j,
                None if accuracy is None else accuracy / number,
                of=trial,
                stop=stop if number == len(energies) else None,
                energy_j=total_j,
                energy_method=None if energy is None else method,
            )
        )
    screen.progress.end(trial.trial_id, setup)


def test_the_best_error_is_the_smallest() -> None:
    """The line names the objective, and shows the last of three falling scores."""
    screen = Screen(terminal=False, objective=Objective("rmse", "min"))

    run_trial(screen, 1, 1.0, 1.0, 1.0, accuracy=6.0)

    assert "best rmse 2.000" in screen.lines()[0]


def test_a_file_gets_one_line_for_each_trial() -> None:
    """It has best accuracy, epochs, energy with its unit, and why the trial ended."""
    screen = Screen(terminal=False)
    screen.progress.start()

    run_trial(screen, 4, 100.0, 50.0)
    run_trial(screen, 1, 1.0, stop=StopReason.MAX_EPOCHS)
    screen.progress.stop()

    first, second = screen.lines()
    assert first.startswith(
        "[1/8] setup04-seed0  batch size 4096, learning rate 0.0001  best accuracy 25.0 %  "
        "2 epochs  150 mWh  patience"
    )
    assert second.startswith("[2/8] setup01-seed0  batch size 64, learning rate 0.1  ")
    assert "  1 epoch  1.00 mWh  max epochs" in second
    assert "estimated" not in screen.file.getvalue()


def test_the_line_of_a_resumed_trial_agrees_with_its_row() -> None:
    """It counts the epochs before the checkpoint, which an earlier attempt trained."""
    screen = Screen(terminal=False)
    trial = plan(1)
    screen.progress.begin(trial.trial_id, 1)
    screen.progress.epoch(epoch(1, 3.6, 0.2, of=trial))
    screen.progress.lost(trial.trial_id, 1, why="x")
    again = plan(1, attempt=2)
    screen.progress.begin(trial.trial_id, 1)
    screen.progress.epoch(epoch(2, 7.2, 0.1, of=again, stop=StopReason.PATIENCE, energy_j=99.0))
    whole = came_to(epoch(1, 3.6, 0.2, of=trial), epoch(2, 7.2, 0.1, of=again))

    screen.progress.end(trial.trial_id, 1, whole)

    assert "best accuracy 20.0 %  2 epochs  3.00 mWh  patience" in screen.lines()[-1]


def test_an_estimate_is_labelled_in_every_line() -> None:
    """An estimated energy is never shown without its label."""
    screen = Screen(terminal=False)

    run_trial(screen, 1, 1.0, method=EnergyMethod.ESTIMATED)
    run_trial(screen, 2, 2.0, method=EnergyMethod.ESTIMATED)

    assert [re.findall(r"mWh \w+", line) for line in screen.lines()] == [["mWh estimated"]] * 2


@pytest.mark.parametrize(
    ("energies", "stop", "accuracy", "text"),
    [
        ((), None, None, "failed before its first epoch ended"),
        ((3.0, None), StopReason.PATIENCE, 0.25, "2 epochs  energy not known  patience"),
        ((3.0,), StopReason.DIVERGED, None, "best accuracy none  1 epoch  3.00 mWh  diverged"),
        ((3.0,), StopReason.OUT_OF_MEMORY, None, "none  0 epochs  3.00 mWh  out of memory"),
        ((3.0,), None, 0.25, "1 epoch  3.00 mWh  failed"),
    ],
)
def test_a_line_says_what_went_wrong(
    energies: tuple[float | None, ...],
    stop: StopReason | None,
    accuracy: float | None,
    text: str,
) -> None:
    """A missing record, energy or end is described in words, not as None."""
    screen = Screen(terminal=False)

    run_trial(screen, 1, *energies, stop=stop, accuracy=accuracy)

    (line,) = screen.lines()
    assert text in line
    assert "None" not in line


def test_a_terminal_gets_a_table_of_all_setups() -> None:
    """Each setup has one row, begun or not."""
    screen = Screen(terminal=True)
    screen.progress.start()

    run_trial(screen, 2, 10.0, 20.0)
    run_trial(screen, 4, 3.0, None, stop=StopReason.DIVERGED)
    screen.progress.begin("setup03-seed0", 3)
    screen.progress.stop()

    assert screen.last_table() == [
        ["1", "64", "0.1", "0/2", "-", "-", "-", "-"],
        ["2", "64", "0.0001", "1/2", "2", "25.0", "15.0", "30.0"],
        ["3", "4096", "0.1", "0/2", "-", "-", "-", "-", "starting"],
        ["4", "4096", "0.0001", "1/2", "2", "25.0", "3.00", ">3.00", "diverged"],
    ]
    assert "2 of 8 trials, " in screen.summary()
    assert "more than 33.0 mWh, about" in screen.summary()


def test_components_are_shown_beside_the_energy_that_ranks() -> None:
    """They are shown if several are known; one that is not measured is left out."""
    screen = Screen(terminal=True)
    screen.progress.begin("setup01-seed0", 1)
    screen.progress.epoch(epoch(1, 36.0, 0.5, of=plan(1), gpu_energy_j=36.0, cpu_energy_j=7.2))
    screen.progress.start()

    screen.progress.stop()

    assert screen.summary().endswith("10.0 mWh (GPU 10.0, CPU 2.00), time left not known yet")


def test_an_estimated_component_is_labelled_beside_a_measured_one() -> None:
    """A board's counter ranks; the CPU's energy is an estimate."""
    screen = Screen(terminal=True, estimated={"cpu"})
    screen.progress.begin("setup01-seed0", 1)
    screen.progress.epoch(epoch(1, 36.0, 0.5, of=plan(1), gpu_energy_j=36.0, cpu_energy_j=7.2))
    screen.progress.start()

    screen.progress.stop()

    assert "10.0 mWh (GPU 10.0, CPU 2.00 estimated), time" in screen.summary()


def test_no_energy_is_shown_before_the_first_reading() -> None:
    """There is neither a zero nor a word about whether it will be measured or estimated."""
    screen = Screen(terminal=True)
    screen.progress.begin("setup01-seed0", 1)
    screen.progress.start()

    screen.progress.stop()

    assert screen.summary().endswith("energy not known yet, time left not known yet")
    assert not re.search(r"measured|estimated", screen.file.getvalue())


def test_a_running_trial_shows_its_current_epoch() -> None:
    """Two finished epochs mean that the third runs."""
    screen = Screen(terminal=True)
    screen.progress.begin("setup01-seed0", 1)
    screen.progress.epoch(epoch(2))
    screen.progress.start()

    screen.progress.stop()

    assert screen.last_table()[0][-1] == "epoch 3"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_fits_usual_widths(width: int) -> None:
    """No word is cut off, each setup has its row, and table and summary label an estimate."""
    screen = Screen(terminal=True, width=width)
    screen.progress.start()
    run_trial(screen, 1, 12345.6, method=EnergyMethod.ESTIMATED)
    run_trial(screen, 2, 1.0, stop=StopReason.OUT_OF_MEMORY, accuracy=None)

    screen.progress.stop()

    frame = screen.last_frame()
    rows = [line.split() for line in frame if re.match(r"\s*[1-4]\s+\d", line)]
    assert "…" not in "".join(frame)
    assert max(map(len, frame)) <= width
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert {"64", "0.1", "1/2", "25.0", "12.3"} <= set(rows[0])
    assert "12.3 Wh estimated" in " ".join(frame)
    assert any("est" in line for line in frame if "Wh" in line or "estimated" in line)
    assert "out of memory" in " ".join(frame)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_forecast_is_shown_beside_the_energy_used(width: int) -> None:
    """It has an interval; if there is room, that of each running trial is shown too."""
    screen = Screen(terminal=True, width=width, outlook=True)
    screen.progress.start()
    for setup in (1, 2, 3):
        run_trial(screen, setup, 2.0, 2.0, 2.0)
    screen.progress.begin("setup04-seed0", 4)
    screen.note(epoch(1, 7.2, 0.5, of=plan(4, batch_size=4096, learning_rate=0.0001)))

    screen.progress.stop()

    text = " ".join(" ".join(screen.last_frame()).split())
    assert re.search(
        r"20\.0 mWh, about \d+ s left, [\d.]+ mWh in all \(90 %: [\d.]+ to [\d.]+\)", text
    )
    assert bool(re.search(r"epoch 2 \([\d.]+ to [\d.]+ mWh\)", text)) is (width >= 120)


def test_a_file_gets_the_forecast_at_the_end_of_each_line() -> None:
    """Lines have it from when there is a forecast."""
    screen = Screen(terminal=False, outlook=True)

    for setup in (1, 2, 3):
        run_trial(screen, setup, 2.0, 2.0, 2.0)

    assert " in all " not in screen.lines()[0]
    assert re.search(r"left, [\d.]+ mWh in all \(90 %: [\d.]+ to [\d.]+\)$", screen.lines()[2])


def test_a_trial_without_a_record_has_failed() -> None:
    """A trial that ends without a record counts as ended, and is shown as failed."""
    screen = Screen(terminal=True)
    screen.progress.start()

    run_trial(screen, 1)
    screen.progress.stop()

    assert screen.last_table()[0] == ["1", "64", "0.1", "1/2", "-", "-", "-", "-", "failed"]


def test_missing_energies_are_shown_as_not_known() -> None:
    """They are neither zero nor the dash of a setup that has not begun."""
    screen = Screen(terminal=True)
    screen.progress.start()

    run_trial(screen, 1, None, None)
    screen.progress.stop()

    row = " ".join(screen.last_table()[0])
    assert row == "1 64 0.1 1/2 2 25.0 not known not known"


def test_a_dumb_terminal_gets_lines() -> None:
    """A terminal that cannot redraw shows a line for each trial."""
    screen = Screen(terminal=True)
    screen.console = Console(
        file=screen.file, force_terminal=True, color_system=None, _environ={"TERM": "dumb"}
    )
    screen.progress = ProgressDisplay(screen.console, SETUPS, repeats=2, trials=8, slots=2)
    screen.progress.start()

    run_trial(screen, 1, 1.0)
    screen.progress.stop()

    assert screen.lines()[0].startswith("[1/8] setup01-seed0")


def timed_display(slots: int) -> tuple[ProgressDisplay, ManualClock]:
    """A display of 9 trials, the first of which took 10 s, and its clock."""
    clock = ManualClock()
    console = Console(file=io.StringIO())
    progress = ProgressDisplay(console, SETUPS, repeats=2, trials=9, slots=slots, clock=clock)
    progress.begin("first", 1)
    clock.advance(10)
    progress.end("first", 1)
    return progress, clock


def test_the_time_left_is_not_known_before_a_trial_has_ended() -> None:
    """Without an ended trial there is no estimate."""
    assert Screen(terminal=False).progress.left_s() is None


@pytest.mark.parametrize(("slots", "left_s"), [(1, 80.0), (2, 40.0), (4, 20.0), (100, 10.0)])
def test_the_time_left_is_shared_by_the_slots(slots: int, left_s: float) -> None:
    """8 trials of 10 s each; more slots than trials are of no use."""
    progress, _ = timed_display(slots)

    assert left_s == progress.left_s()


def test_the_time_left_falls_while_a_trial_runs() -> None:
    """It falls until the trial has taken as long as the others, and then stays."""
    progress, clock = timed_display(slots=1)
    progress.begin("second", 2)
    left_s = [progress.left_s()]

    for step_s in (4, 6, 100):
        clock.advance(step_s)
        left_s.append(progress.left_s())

    assert left_s == [80.0, 76.0, 70.0, 70.0]


def test_nothing_is_left_after_the_last_trial() -> None:
    """The estimate ends at 0, and the line does not mention it."""
    screen = Screen(terminal=False, trials=1)

    run_trial(screen, 1, 1.0)

    assert screen.progress.left_s() == 0
    assert screen.lines()[0].endswith("1.00 mWh  patience")
