"""The forecast of a study's energy and time, held against trainings whose truth is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from study.forecast.study_forecast import (
    FEWEST,
    MOST_KINDS,
    Run,
    StudyForecast,
    TrialOverhead,
    cut,
    study_forecast,
)
from study.inference.repeats import Floats
from tests.study.forecast.made_up import MAX_EPOCHS, grid_of_runs, under_way


def forecast_of(runs: list[Run], *, max_epochs: int = MAX_EPOCHS) -> StudyForecast:
    """The forecast, which there must be."""
    found = study_forecast(runs, max_epochs=max_epochs)
    assert found is not None
    return found


def of_trial(runs: list[Run], one: Run, *, max_epochs: int = MAX_EPOCHS) -> Floats:
    """Draws of a trial's energy, which must be known."""
    draws = forecast_of(runs, max_epochs=max_epochs).of_trial(one.trial)
    assert draws is not None
    return draws


@pytest.mark.slow
def test_intervals_hold_as_often_as_they_say() -> None:
    """Of 20 made-up studies after a quarter of their trials: 90 %, give or take chance; and narrow."""
    held, widths = [], []
    for seed in range(20):
        study = grid_of_runs(seed)
        total = forecast_of(under_way(study, len(study) // 4)).total_j
        assert total is not None
        true_j = sum(run.energy_j for run in study)
        held.append(bool(cut(total).holds(true_j)))
        widths.append(float(cut(total).width) / 2 / true_j)

    assert 15 <= sum(held) <= 20
    assert np.median(widths) < 0.2


@pytest.mark.slow
def test_the_last_training_leaves_as_much_doubt_as_its_epochs_vary() -> None:
    """Also where the limit of epochs tells how many there will be: the rest may cost more than what it had."""
    held = []
    for seed in range(20):
        study = grid_of_runs(seed, repeats=1, noise=0.04, most=6)
        last = max(range(len(study)), key=lambda place: study[place].epochs)
        study.append(study.pop(last))
        total = forecast_of(under_way(study, len(study) - 1, next_epochs=3), max_epochs=6).total_j
        assert total is not None
        held.append(bool(cut(total).holds(sum(run.energy_j for run in study))))

    assert sum(held) >= 16


def test_what_first_epochs_cost_more_is_not_expected_of_those_that_follow() -> None:
    """As the trainings tell that have ended."""
    study = [
        replace(run, energies_j=(2 * run.energies_j[0], *run.energies_j[1:]))
        for run in grid_of_runs(2)
    ]
    runs = under_way(study, 20, next_epochs=1)
    first_j, second_j = study[20].energies_j[:2]
    runs[20] = replace(runs[20], fewest=MAX_EPOCHS)

    draws = of_trial(runs, runs[20])

    rest_j = (MAX_EPOCHS - 1) * second_j
    assert float(np.median(draws)) == pytest.approx(first_j + rest_j, rel=0.1)


def test_where_no_training_tells_how_epochs_change_there_is_a_forecast_all_the_same() -> None:
    """The one that runs has had more epochs than any that has ended; none of its draws is endless."""
    study = sorted(grid_of_runs(4), key=lambda run: run.epochs)

    for seed in range(20):
        runs = under_way(study, 3, next_epochs=study[3].epochs)
        found = study_forecast(runs, max_epochs=MAX_EPOCHS, seed=seed)
        assert found is not None
        assert found.total_j is not None
        assert float(found.total_j.max()) < 1e3 * sum(run.energy_j for run in study)


def test_trials_that_none_follows_may_cost_what_none_before_did() -> None:
    """They are charged more of what is shared where fewer run; the first to do so has no example."""
    runs = under_way(grid_of_runs(3), 35, next_epochs=3)

    widths = []
    for at_once in (1, 2):
        found = study_forecast(runs, max_epochs=MAX_EPOCHS, at_once=at_once)
        assert found is not None
        assert found.total_j is not None
        widths.append(float(cut(found.total_j).width))

    assert widths[1] > widths[0]


def test_what_has_ended_is_what_it_was() -> None:
    """When all have ended nothing is left to doubt."""
    study = grid_of_runs(1)

    found = forecast_of(study)

    assert found.total_j is not None
    assert np.allclose(found.total_j, sum(run.energy_j for run in study))
    assert float(found.left_s(slots=2).max()) == 0.0


def test_nothing_is_forecast_from_nothing() -> None:
    """Before the first trials have ended."""
    study = grid_of_runs(1)

    assert study_forecast(under_way(study, FEWEST - 1), max_epochs=MAX_EPOCHS) is None


def test_a_training_under_way_costs_what_its_epochs_cost() -> None:
    """At least the epochs that it cannot do without, at most the limit; each about as dear as those it has had."""
    runs = under_way(grid_of_runs(2), 9, next_epochs=3)
    running = replace(runs[9], fewest=8)
    runs[9] = running

    draws = of_trial(runs, running)

    epoch_j = running.energy_j / running.epochs
    assert draws.min() >= 8 * epoch_j * 0.9
    assert draws.max() <= MAX_EPOCHS * epoch_j * 1.1
    assert np.ptp(draws) > 0


def test_more_epochs_of_a_training_tell_more_of_it() -> None:
    """Its interval is narrower late than early."""
    study = max((grid_of_runs(seed) for seed in range(5)), key=lambda runs: runs[9].epochs)
    late = study[9].epochs - 1

    widths = [
        float(cut(of_trial(under_way(study, 9, next_epochs=n), study[9])).width) for n in (2, late)
    ]

    assert widths[1] < widths[0]


def test_energies_that_nobody_knows_are_not_forecast_but_times_are() -> None:
    """Missing is None."""
    runs = [replace(r, energies_j=()) for r in under_way(grid_of_runs(3), 9)]

    found = forecast_of(runs)

    assert found.total_j is None
    assert np.isfinite(found.left_s(slots=1)).all()


def test_an_epoch_without_a_reading_costs_what_the_others_did() -> None:
    """It was used all the same."""
    study = grid_of_runs(4)
    half = replace(study[0], energies_j=study[0].energies_j[1:])

    found = forecast_of([half, *study[1:]])

    assert found.total_j is not None
    assert np.allclose(found.total_j, sum(run.energy_j for run in study))


def test_settings_that_change_cost_alone_have_the_same_epochs() -> None:
    """A power limit that was not seen with a seed is told by the others of that seed."""
    one = Run(
        trial="a",
        stage="training",
        chosen={"batch_size": 8, "power_limit_w": 100},
        seed=0,
        epochs=10,
        energies_j=(10.0,) * 10,
        time_s=10.0,
        has_ended=True,
    )
    seen = [
        replace(
            one,
            trial=f"{watts}-{seed}",
            chosen={"batch_size": 8, "power_limit_w": watts},
            seed=seed,
            epochs=10 * (seed + 1),
            energies_j=(10.0,) * 10 * (seed + 1),
        )
        for seed in range(4)
        for watts in (100, 150, 200)
    ]
    runs = [
        *seen[:-1],
        replace(seen[-1], epochs=0, energies_j=(), time_s=0.0, has_ended=False),
    ]

    found = cut(of_trial(runs, seen[-1], max_epochs=100))

    assert found.holds(400.0)
    assert float(found.width) < 200.0


def test_what_is_left_is_shared_by_the_slots() -> None:
    """As many trials at a time as there are slots, each with what it needs beside its epochs."""
    runs = under_way(grid_of_runs(5), 9)
    found = forecast_of(runs)
    one, four = (float(np.median(found.left_s(slots=n))) for n in (1, 4))
    beside = float(np.median(found.left_s(slots=1, overhead_s=5.0)))

    assert one / 4.6 < four < one / 3
    assert math.isclose(beside - one, 5.0 * (len(runs) - 9), rel_tol=1e-6)


def test_stages_are_forecast_each_by_itself() -> None:
    """One that no trial has begun is not known, and neither is the total."""
    runs = [replace(run, stage="encoder") for run in under_way(grid_of_runs(6), 9)]
    other = [
        replace(r, stage="classifier", epochs=0, energies_j=(), time_s=0.0, has_ended=False)
        for r in runs
    ]

    assert forecast_of([*runs, *other]).total_j is None


def set_up_j(run: Run) -> float:
    """Energy of a set-up that goes with the batch size."""
    size = run.chosen["batch_size"]
    assert isinstance(size, int)
    return 50.0 * size


def test_set_ups_of_all_trials_are_in_the_total() -> None:
    """Those that ended as measured, lost attempts too; those to come by what is known, each axis with its effect."""
    runs = under_way(grid_of_runs(8), 12)
    overheads = [
        TrialOverhead(
            chosen=run.chosen,
            energy_j=set_up_j(run) if run.has_ended else None,
            lost_j=5.0,
        )
        for run in runs
    ]
    true_j = sum(set_up_j(run) + 5.0 for run in runs)

    without = forecast_of(runs)
    found = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=overheads)

    assert found is not None
    assert found.overhead_j is not None
    assert found.total_j is not None
    assert without.total_j is not None
    assert cut(found.overhead_j).holds(true_j)
    assert found.total_j - found.overhead_j == pytest.approx(without.total_j)


@pytest.mark.slow
def test_intervals_with_set_ups_hold_as_often_as_they_say() -> None:
    """Of 20 made-up studies after half of their trials, of which the first two had new processes."""
    held = []
    for seed in range(20):
        runs = under_way(grid_of_runs(seed, repeats=1), 6)
        vary = np.exp(0.15 * np.random.default_rng(seed).standard_normal(len(runs)))
        used_j = [float(each) * (300 if place < 2 else 30) for place, each in enumerate(vary)]
        overheads = [
            TrialOverhead(
                chosen=run.chosen,
                energy_j=used if run.has_ended else None,
                in_new_process=place < 2,
            )
            for place, (run, used) in enumerate(zip(runs, used_j, strict=True))
        ]
        found = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=overheads)
        assert found is not None
        assert found.overhead_j is not None
        held.append(bool(cut(found.overhead_j).holds(sum(used_j))))

    assert sum(held) >= 15


def test_a_first_set_up_says_nothing_of_those_in_a_process_that_is_there() -> None:
    """Two trials have loaded libraries, 50 J each; the third needed 1 J, and so will all others."""
    runs = under_way(grid_of_runs(8), 3)
    used = [
        TrialOverhead(chosen=run.chosen, energy_j=50.0, in_new_process=True) for run in runs[:2]
    ]
    coming = [TrialOverhead(chosen=run.chosen) for run in runs[3:]]
    third = TrialOverhead(chosen=runs[2].chosen, energy_j=1.0)

    early = study_forecast(
        runs,
        max_epochs=MAX_EPOCHS,
        overheads=[*used, TrialOverhead(chosen=runs[2].chosen), *coming],
    )
    late = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=[*used, third, *coming])

    assert early is not None
    assert early.overhead_j is None
    assert late is not None
    assert late.overhead_j is not None
    assert cut(late.overhead_j).holds(100.0 + len(runs) - 2)
    assert float(np.median(late.overhead_j)) < 200.0


def test_set_ups_that_nobody_knows_are_in_no_total() -> None:
    """And it can be told: missing is None."""
    runs = under_way(grid_of_runs(8), 12)
    overheads = [TrialOverhead(chosen=run.chosen) for run in runs]

    found = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=overheads)

    assert found is not None
    assert found.overhead_j is None
    assert found.total_j == pytest.approx(forecast_of(runs).total_j)


def test_a_set_up_of_nothing_is_known() -> None:
    """0 J are a measurement."""
    runs = grid_of_runs(8)
    overheads = [TrialOverhead(chosen=run.chosen, energy_j=0.0) for run in runs]

    found = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=overheads)

    assert found is not None
    assert found.overhead_j is not None
    assert float(found.overhead_j.max()) == 0.0


def test_of_very_many_setups_nothing_is_forecast() -> None:
    """It would take longer than they are worth; the display does without."""
    study = grid_of_runs(7, repeats=1)
    many = [
        replace(study[place % len(study)], trial=str(place), chosen={"weight_decay": place + 1.0})
        for place in range(MOST_KINDS + 1)
    ]

    assert study_forecast(many, max_epochs=MAX_EPOCHS) is None
