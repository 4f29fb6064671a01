"""What a trial's rows and bookings add up to."""

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
    """The window over the whole attempt is set-up, epochs and what lies between."""
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
    """No joule is in two places, and none is in none."""
    rows: list[EpochRecord] = []
    windows: list[BookedWindow] = []
    for attempt, epochs_j in enumerate([*lost, kept_j], start=1):
        trial = plan(attempt=attempt)
        rows += [epoch(n, energy_j, of=trial) for n, energy_j in enumerate(epochs_j, start=1)]
        windows += windows_of(trial, sum(epochs_j) + 5.0, 2.0, *epochs_j)

    trial_of_all = came_to(*rows, windows=tuple(windows))

    assert trial_of_all.attempts == len(lost) + 1
    assert trial_of_all.energy_j == sum(kept_j)
    assert trial_of_all.wasted_energy_j == sum(sum(epochs_j) + 5.0 for epochs_j in lost)
    assert trial_of_all.epochs == len(kept_j)


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
def test_a_lost_attempt_is_charged_with_all_that_was_booked_of_it(
    rows: list[tuple[int, float | None]],
    windows: tuple[float | None, ...] | None,
    wasted_j: float | None,
) -> None:
    """Its whole window, else its parts, an epoch that was never reported among them; None without a reading."""
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


def test_a_set_up_that_was_open_when_its_machine_was_lost_is_wasted() -> None:
    """What the attempt had come to counts, where it is more than what was booked of its parts."""
    lost, kept = plan(attempt=1), plan(attempt=2)

    trial = came_to(
        epoch(1, 3.0, of=kept),
        windows=(booked(INTERIM, 0, 9.0, of=lost), booked(INTERIM, 0, 10.0, of=lost)),
    )

    assert trial.wasted_energy_j == 10.0
    assert trial.energy_j == 3.0


def test_what_an_attempt_had_come_to_gives_way_to_its_whole(tmp_path: Path) -> None:
    """Its row is gone when the window is booked, and no joule is had twice."""
    one, first = recorder(tmp_path), plan(attempt=1)
    one.expect([plan()])
    one.add_booking(booking(booked(INTERIM, 0, 9.0, of=first)))
    one.add_booking(booking(*windows_of(first, 12.0, 5.0)))

    one.flush()

    stages = [row["stage"] for row in StudyFolder(str(tmp_path), "s").read_rows("windows.parquet")]
    assert sorted(stages) == [SETUP, TRIAL]


@given(
    energies=st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=8), whole=st.booleans()
)
def test_a_sum_with_a_missing_epoch_is_missing(energies: list[float | None], whole: bool) -> None:  # noqa: FBT001
    """Missing is None, never 0: neither the sum nor what is left of the whole is known."""
    rows = [epoch(n, energy_j) for n, energy_j in enumerate(energies, start=1)]
    windows = windows_of(plan(), 1e9 if whole else None, 1.0, *energies)

    trial = came_to(*rows, windows=windows)

    assert trial.missing_epochs == energies.count(None)
    assert (None in energies) == (trial.energy_j is None)
    assert (None in energies or not whole) == (trial.between_energy_j is None)
    assert (set(energies) == {None}) == (trial.energy_method is None)


def test_set_up_and_pauses_have_the_energy_that_ranks(tmp_path: Path) -> None:
    """Board and processor of each window lie apart, and are one sum where components rank."""
    device = {each: Device(uuid=each.value, name="d", component=each) for each in Component}

    def of(stage: str, board_j: float, cpu_j: float) -> BookedWindow:
        board, cpu = (booked(stage, 0, each) for each in (board_j, cpu_j))
        return replace(
            board,
            others=(replace(cpu.reading, device_uuid="cpu"),),
            devices=(device[Component.GPU], device[Component.CPU]),
        )

    books = recorder(tmp_path)
    books.expect([plan()])
    books.add(epoch(1, 7.0))
    books.add_booking(booking(of(TRIAL, 10.0, 5.0), of(SETUP, 2.0, 1.0)))

    (by_board,) = books.trials()
    books.energy_of = EnergyScope.COMPONENTS
    (by_components,) = books.trials()
    books.flush()

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
    """A reader learns how many energies are in doubt."""
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
    """All joules up to that epoch, it included; None where no epoch reached the target."""
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
    """A missing epoch makes it missing only where it lies before."""
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
def test_what_became_of_a_trial(
    stop: StopReason | None, error: str | None, status: TrialStatus
) -> None:
    """Divergence and lack of memory are results about a setup; an error is a failure."""
    trial = came_to(epoch(1, stop=stop), error=error)

    assert status is trial.status
    assert (stop, error) == (trial.stop_reason, trial.error)


def test_an_epoch_that_was_broken_off_is_charged_and_not_counted() -> None:
    """Its joules were used, but it is not an epoch of training; a diverged one is."""
    broken = came_to(epoch(1), epoch(2, 3.0, None, stop=StopReason.OUT_OF_MEMORY))
    diverged = came_to(epoch(1), epoch(2, 3.0, None, stop=StopReason.DIVERGED))

    assert (broken.epochs, broken.energy_j) == (1, 4.0)
    assert (diverged.epochs, diverged.energy_j) == (2, 4.0)


def test_an_error_is_its_last_line() -> None:
    """A traceback is for the log; the table has the line that says what it was."""
    trial = came_to(error="Traceback:\n  File x\nKeyError: 'accuracy'\n")

    assert trial.error == "KeyError: 'accuracy'"
    assert (trial.status, trial.epochs, trial.energy_j) == (TrialStatus.FAILED, 0, None)


def test_only_begun_trials_have_a_record(tmp_path: Path) -> None:
    """In the order of setups and seeds, whatever the order in which they ran."""
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
    """The later one takes the earlier one's place."""
    trial = came_to(epoch(1, 5.0), epoch(1, 7.0), epoch(2, 1.0))

    assert (trial.epochs, trial.energy_j) == (2, 8.0)


def test_a_trial_record_can_be_had_without_a_recorder() -> None:
    """The reckoning is a function of rows and windows alone."""
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
