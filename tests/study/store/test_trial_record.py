"""The record of a trial, computed from its rows and bookings."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.objective import ACCURACY
from study.record.records import EpochRecord
from study.record.vocabulary import (
    EnergyMethod,
    EnergyScope,
    EnergyStatus,
    Paradigm,
    Stage,
    StopReason,
    TrialStatus,
)
from study.store.folder import StudyFolder
from study.store.trial_record import trial_record
from tests.study.rows import booked, epoch, plan
from tests.study.store.recorders import booking, came_to, recorder, windows_of
from trackers.node.ledger import INTERIM, SETUP, TRIAL, BookedWindow
from trackers.sample import Component, Device

ENERGIES = st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=8)
"""Whole joules, whose sums are exact."""


@given(epochs_j=ENERGIES, setup_j=st.integers(0, 10**6), between_j=st.integers(0, 10**6))
def test_the_energies_of_an_attempt_add_up(
    epochs_j: list[float], setup_j: int, between_j: int
) -> None:
    """The window of the whole attempt is the sum of set-up, epochs and the time between them."""
    whole_j = setup_j + sum(epochs_j) + between_j
    rows = [epoch(n, energy_j) for n, energy_j in enumerate(epochs_j, start=1)]

    trial = came_to(*rows, windows=windows_of(plan(), whole_j, setup_j, *epochs_j))

    assert sum(epochs_j) == trial.energy_j
    assert (setup_j, between_j) == (trial.setup_energy_j, trial.between_energy_j)
    assert trial.wasted_energy_j == 0
    assert trial.epochs == len(epochs_j)
    assert trial.time_s == 2.0 * len(epochs_j)


@given(lost=st.lists(ENERGIES, max_size=3), kept_j=ENERGIES)
def test_lost_attempts_are_wasted_and_the_last_one_counts(
    lost: list[list[float]], kept_j: list[float]
) -> None:
    """Every joule counts exactly once, either as the trial's energy or as wasted."""
    rows: list[EpochRecord] = []
    windows: list[BookedWindow] = []
    for attempt, epochs_j in enumerate([*lost, kept_j], start=1):
        trial = plan(attempt=attempt)
        rows += [epoch(n, energy_j, of=trial) for n, energy_j in enumerate(epochs_j, start=1)]
        windows += windows_of(trial, sum(epochs_j) + 5.0, 2.0, *epochs_j)

    record = came_to(*rows, windows=tuple(windows))

    assert record.attempts == len(lost) + 1
    assert record.energy_j == sum(kept_j)
    assert record.wasted_energy_j == sum(sum(epochs_j) + 5.0 for epochs_j in lost)
    assert record.epochs == len(kept_j)


@pytest.mark.parametrize(
    ("rows", "windows", "wasted_j"),
    [
        ([(1, 10.0), (2, 20.0)], (100.0, 5.0, 10.0, 20.0), 100.0),
        ([(1, 10.0), (2, 20.0)], (None, 5.0, 10.0, 20.0, 40.0), 75.0),
        ([(1, 10.0), (2, None)], (None, None, 10.0, None), 10.0),
        ([(1, 10.0), (2, 20.0)], None, 30.0),
        ([], (None, 5.0, 7.0), 12.0),
        ([(1, None)], (None, None, None), None),
        ([], None, None),
    ],
)
def test_a_lost_attempt_is_charged_for_all_that_was_booked(
    rows: list[tuple[int, float | None]],
    windows: tuple[float | None, ...] | None,
    wasted_j: float | None,
) -> None:
    """Its wasted energy is that of its whole window, else the sum of its parts, else None.

    The parts include an epoch that was booked but never reported.
    """
    lost, kept = plan(attempt=1), plan(attempt=2)
    trial_j, setup_j, *epochs_j = windows or (None, None)
    all_booked = () if windows is None else windows_of(lost, trial_j, setup_j, *epochs_j)

    trial = came_to(
        *(epoch(n, energy_j, of=lost) for n, energy_j in rows),
        epoch(1, 3.0, of=kept),
        windows=all_booked,
    )

    assert wasted_j == trial.wasted_energy_j
    assert trial.energy_j == 3.0


def test_an_interim_booking_charges_a_lost_attempt() -> None:
    """The last interim energy of an attempt counts as wasted if it exceeds its booked parts."""
    lost, kept = plan(attempt=1), plan(attempt=2)

    trial = came_to(
        epoch(1, 3.0, of=kept),
        windows=(booked(INTERIM, 0, 9.0, of=lost), booked(INTERIM, 0, 10.0, of=lost)),
    )

    assert trial.wasted_energy_j == 10.0
    assert trial.energy_j == 3.0


def test_the_whole_window_replaces_an_interim_booking(tmp_path: Path) -> None:
    """The interim row is removed when the attempt's window is booked, so no joule counts twice."""
    kept, first = recorder(tmp_path), plan(attempt=1)
    kept.expect([plan()])
    kept.add_booking(booking(booked(INTERIM, 0, 9.0, of=first)))
    kept.add_booking(booking(*windows_of(first, 12.0, 5.0)))

    kept.flush()

    stages = [row["stage"] for row in StudyFolder(str(tmp_path), "s").read_rows("windows.parquet")]
    assert sorted(stages) == [SETUP, TRIAL]


@given(
    energies=st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=8), whole=st.booleans()
)
def test_a_sum_with_a_missing_epoch_is_missing(energies: list[float | None], whole: bool) -> None:  # noqa: FBT001
    """Missing is None, never 0: neither the sum nor the energy between epochs is known."""
    rows = [epoch(n, energy_j) for n, energy_j in enumerate(energies, start=1)]
    windows = windows_of(plan(), 1e9 if whole else None, 1.0, *energies)

    trial = came_to(*rows, windows=windows)

    assert trial.missing_epochs == energies.count(None)
    assert (None in energies) == (trial.energy_j is None)
    assert (None in energies or not whole) == (trial.between_energy_j is None)
    assert (set(energies) == {None}) == (trial.energy_method is None)


def test_set_up_and_time_between_epochs_have_the_ranking_energy(tmp_path: Path) -> None:
    """They count the board alone, or board and CPU if the components rank; each has a row of its own."""
    device = {each: Device(uuid=each.value, name="d", component=each) for each in Component}

    def of(stage: str, board_j: float, cpu_j: float) -> BookedWindow:
        board, cpu = (booked(stage, 0, each) for each in (board_j, cpu_j))
        return replace(
            board,
            others=(replace(cpu.reading, device_uuid="cpu"),),
            devices=(device[Component.GPU], device[Component.CPU]),
        )

    kept = recorder(tmp_path)
    kept.expect([plan()])
    kept.add(epoch(1, 7.0))
    kept.add_booking(booking(of(TRIAL, 10.0, 5.0), of(SETUP, 2.0, 1.0)))

    (by_board,) = kept.trials()
    kept.energy_of = EnergyScope.COMPONENTS
    (by_components,) = kept.trials()
    kept.flush()

    assert (by_board.setup_energy_j, by_board.between_energy_j) == (2.0, 10.0 - 2.0 - 7.0)
    assert (by_components.setup_energy_j, by_components.between_energy_j) == (3.0, 15.0 - 3.0 - 7.0)
    windows = pd.read_parquet(tmp_path / "s" / "windows.parquet")
    assert [*zip(windows["stage"], windows["component"], strict=True)] == [
        ("trial", "gpu"),
        ("trial", "cpu"),
        ("setup", "gpu"),
        ("setup", "cpu"),
    ]


def test_degraded_epochs_are_counted() -> None:
    """The record says how many epochs' energies are degraded or missing."""
    trial = came_to(epoch(1), epoch(2, energy_status=EnergyStatus.DEGRADED), epoch(3, None))

    assert (trial.degraded_epochs, trial.missing_epochs) == (1, 1)
    assert trial.energy_method is EnergyMethod.COUNTER


@given(
    accuracies=st.lists(st.integers(0, 5).map(lambda n: n / 5), min_size=1, max_size=8),
    target=st.integers(1, 5).map(lambda n: n / 5),
)
def test_energy_to_target_is_that_of_the_first_epoch_that_reached_it(
    accuracies: list[float], target: float
) -> None:
    """It includes that epoch; it is None if no epoch reached the target."""
    rows = [epoch(n, 2.0**n, accuracy) for n, accuracy in enumerate(accuracies, start=1)]

    trial = came_to(*rows, target_accuracy=target)

    reached = [n for n, accuracy in enumerate(accuracies, start=1) if accuracy >= target]
    expected = 2.0 ** (reached[0] + 1) - 2 if reached else None
    assert expected == trial.energy_to_target_j
    assert trial.best_val_score == max(accuracies)
    assert trial.best_epoch == accuracies.index(max(accuracies)) + 1


@pytest.mark.parametrize(
    ("target", "energies", "expected"),
    [(None, [1.0, 2.0], None), (0.5, [1.0, None], 1.0), (0.8, [None, 2.0], None)],
)
def test_energy_to_target_needs_a_target_and_the_epochs_before(
    target: float | None, energies: list[float | None], expected: float | None
) -> None:
    """It is None without a target, and if an epoch up to the target has no energy."""
    rows = [epoch(n, e, 0.4 + n / 5) for n, e in enumerate(energies, start=1)]

    trial = came_to(*rows, target_accuracy=target)

    assert expected == trial.energy_to_target_j


@pytest.mark.parametrize(
    ("stop", "error", "status"),
    [
        (None, None, TrialStatus.RUNNING),
        (StopReason.PATIENCE, None, TrialStatus.FINISHED),
        (StopReason.MAX_EPOCHS, None, TrialStatus.FINISHED),
        (StopReason.DIVERGED, None, TrialStatus.FINISHED),
        (StopReason.OUT_OF_MEMORY, None, TrialStatus.FINISHED),
        (StopReason.ERROR, "KeyError: 'accuracy'", TrialStatus.FAILED),
        (None, "the process died", TrialStatus.FAILED),
    ],
)
def test_the_status_follows_from_stop_reason_and_error(
    stop: StopReason | None, error: str | None, status: TrialStatus
) -> None:
    """Divergence and lack of memory are results of a setup; an error is a failure."""
    trial = came_to(epoch(1, stop=stop), error=error)

    assert status is trial.status
    assert (stop, error) == (trial.stop_reason, trial.error)


def test_an_epoch_that_ran_out_of_memory_is_charged_but_not_counted() -> None:
    """Its energy was used, but it is not a whole epoch; an epoch that diverged is."""
    out_of_memory = came_to(epoch(1), epoch(2, 3.0, None, stop=StopReason.OUT_OF_MEMORY))
    diverged = came_to(epoch(1), epoch(2, 3.0, None, stop=StopReason.DIVERGED))

    assert (out_of_memory.epochs, out_of_memory.energy_j) == (1, 4.0)
    assert (diverged.epochs, diverged.energy_j) == (2, 4.0)


def test_the_table_has_the_last_line_of_an_error() -> None:
    """The traceback is for the log; its last line says what the error was."""
    trial = came_to(error="Traceback:\n  File x\nKeyError: 'accuracy'\n")

    assert trial.error == "KeyError: 'accuracy'"
    assert (trial.status, trial.epochs, trial.energy_j) == (TrialStatus.FAILED, 0, None)


def test_only_started_trials_have_a_record(tmp_path: Path) -> None:
    """Records are sorted by setup and seed, whatever the order in which the trials ran."""
    trials = [plan(setup, seed) for setup in (1, 2, 3) for seed in (0, 1)]
    trials = trials[1::2] + trials[::2]
    kept = recorder(tmp_path)
    kept.expect(trials)
    for trial in trials:
        if trial.setup != 2:
            kept.add(epoch(1, of=trial))

    records = kept.trials()

    assert [(each.setup, each.seed) for each in records] == [(1, 0), (1, 1), (3, 0), (3, 1)]


def test_a_row_that_comes_twice_counts_once() -> None:
    """The later row replaces the earlier one."""
    trial = came_to(epoch(1, 5.0), epoch(1, 7.0), epoch(2, 1.0))

    assert (trial.epochs, trial.energy_j) == (2, 8.0)


def test_a_trial_record_needs_no_recorder() -> None:
    """It is a function of rows and windows alone, whatever the order of the rows."""
    trial = trial_record(
        plan(),
        epochs=[epoch(2, 2.0), epoch(1, 1.0)],
        windows=[],
        error=None,
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="watch",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=0.5,
    )

    assert (trial.energy_j, trial.energy_to_target_j) == (3.0, 1.0)
    assert (trial.setup_energy_j, trial.between_energy_j) == (None, None)
