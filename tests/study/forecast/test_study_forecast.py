"""Forecast of a study's energy and time, checked on synthetic trainings whose true cost is known."""

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
from tests.study.forecast.synthetic_runs import MAX_EPOCHS, grid_of_runs, under_way


def forecast_of(runs: list[Run], *, max_epochs: int = MAX_EPOCHS) -> StudyForecast:
    """Return the forecast of these runs, and check that there is one."""
    found = study_forecast(runs, max_epochs=max_epochs)
    assert found is not None
    return found


def of_trial(runs: list[Run], one: Run, *, max_epochs: int = MAX_EPOCHS) -> Floats:
    """Return draws of a trial's energy, and check that it is known."""
    draws = forecast_of(runs, max_epochs=max_epochs).of_trial(one.trial)
    assert draws is not None
    return draws


@pytest.mark.slow
def test_intervals_hold_as_often_as_promised() -> None:
    """After a quarter of the trials, 90 % of intervals hold the truth, within chance, and are narrow."""
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
def test_the_last_training_is_uncertain_while_its_epochs_vary() -> None:
    """Even if the limit fixes the number of epochs, those to come may cost more than those before."""
    held = []
    for seed in range(20):
        study = grid_of_runs(seed, repeats=1, noise=0.04, most=6)
        last = max(range(len(study)), key=lambda place: study[place].epochs)
        study.append(study.pop(last))
        total = forecast_of(under_way(study, len(study) - 1, next_epochs=3), max_epochs=6).total_j
        assert total is not None
        held.append(bool(cut(total).holds(sum(run.energy_j for run in study))))

    assert sum(held) >= 16


def test_dearer_first_epochs_do_not_raise_the_forecast_of_later_ones() -> None:
    """Trainings that have ended show that only the first epoch is dearer."""
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


@pytest.mark.slow
def test_a_training_with_more_epochs_than_any_ended_one_has_a_forecast() -> None:
    """No ended training shows how its later epochs change; its draws stay bounded all the same."""
    study = sorted(grid_of_runs(4), key=lambda run: run.epochs)

    for seed in range(20):
        runs = under_way(study, 3, next_epochs=study[3].epochs)
        found = study_forecast(runs, max_epochs=MAX_EPOCHS, seed=seed)
        assert found is not None
        assert found.total_j is not None
        assert float(found.total_j.max()) < 1e3 * sum(run.energy_j for run in study)


def test_the_last_of_concurrent_trials_are_less_certain() -> None:
    """As neighbours end, they are charged more of what is shared, which no ended trial has shown yet."""
    runs = under_way(grid_of_runs(3), 35, next_epochs=3)

    widths = []
    for at_once in (1, 2):
        found = study_forecast(runs, max_epochs=MAX_EPOCHS, at_once=at_once)
        assert found is not None
        assert found.total_j is not None
        widths.append(float(cut(found.total_j).width))

    assert widths[1] > widths[0]


def test_a_completed_study_has_its_measured_energy() -> None:
    """Once all trainings have ended, every draw is the measured total, and no time is left."""
    study = grid_of_runs(1)

    found = forecast_of(study)

    assert found.total_j is not None
    assert np.allclose(found.total_j, sum(run.energy_j for run in study))
    assert float(found.left_s(slots=2).max()) == 0.0


def test_there_is_no_forecast_from_too_few_trainings() -> None:
    """There is none before `FEWEST` trainings have ended."""
    study = grid_of_runs(1)

    assert study_forecast(under_way(study, FEWEST - 1), max_epochs=MAX_EPOCHS) is None


def test_a_running_training_costs_at_least_its_fewest_epochs() -> None:
    """It costs at most the limit of epochs, each of them about as dear as those so far."""
    runs = under_way(grid_of_runs(2), 9, next_epochs=3)
    running = replace(runs[9], fewest=8)
    runs[9] = running

    draws = of_trial(runs, running)

    epoch_j = running.energy_j / running.epochs
    assert draws.min() >= 8 * epoch_j * 0.9
    assert draws.max() <= MAX_EPOCHS * epoch_j * 1.1
    assert np.ptp(draws) > 0


def test_the_interval_of_a_training_narrows_as_it_runs() -> None:
    """It is narrower before the last epoch than after the second."""
    study = max((grid_of_runs(seed) for seed in range(5)), key=lambda runs: runs[9].epochs)
    later = study[9].epochs - 1

    widths = [
        float(cut(of_trial(under_way(study, 9, next_epochs=n), study[9])).width) for n in (2, later)
    ]

    assert widths[1] < widths[0]


def test_unknown_energies_are_not_forecast_but_times_are() -> None:
    """Without any energy the total is None, and the time left is known all the same."""
    runs = [replace(r, energies_j=()) for r in under_way(grid_of_runs(3), 9)]

    found = forecast_of(runs)

    assert found.total_j is None
    assert np.isfinite(found.left_s(slots=1)).all()


def test_an_epoch_without_a_reading_costs_as_much_as_the_others() -> None:
    """Its energy is unknown but was used, so the training's other epochs estimate it."""
    study = grid_of_runs(4)
    partly_read = replace(study[0], energies_j=study[0].energies_j[1:])

    found = forecast_of([partly_read, *study[1:]])

    assert found.total_j is not None
    assert np.allclose(found.total_j, sum(run.energy_j for run in study))


def test_axes_that_change_only_cost_do_not_change_the_epochs() -> None:
    """A power limit not yet tried with a seed is forecast from the other limits with that seed."""
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


def test_the_time_left_is_shared_by_the_slots() -> None:
    """As many trials run at a time as there are slots, each with its overhead beside its epochs."""
    runs = under_way(grid_of_runs(5), 9)
    found = forecast_of(runs)
    one, four = (float(np.median(found.left_s(slots=n))) for n in (1, 4))
    with_overhead = float(np.median(found.left_s(slots=1, overhead_s=5.0)))

    assert one / 4.6 < four < one / 3
    assert math.isclose(with_overhead - one, 5.0 * (len(runs) - 9), rel_tol=1e-6)


def test_stages_are_forecast_separately() -> None:
    """While no trial has begun a stage, its energy is unknown, and so is the total."""
    runs = [replace(run, stage="encoder") for run in under_way(grid_of_runs(6), 9)]
    other = [
        replace(r, stage="classifier", epochs=0, energies_j=(), time_s=0.0, has_ended=False)
        for r in runs
    ]

    assert forecast_of([*runs, *other]).total_j is None


def set_up_j(run: Run) -> float:
    """Energy of a set-up that is proportional to the batch size."""
    size = run.chosen["batch_size"]
    assert isinstance(size, int)
    return 50.0 * size


def test_set_ups_of_all_trials_are_in_the_total() -> None:
    """Ended trials count as measured, with lost attempts; those to come are forecast by their axes."""
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
def test_intervals_with_set_ups_hold_as_often_as_promised() -> None:
    """After half of the trials, the first two in new processes, 90 % hold the truth, within chance."""
    held = []
    for seed in range(20):
        runs = under_way(grid_of_runs(seed, repeats=1), 6)
        factors = np.exp(0.15 * np.random.default_rng(seed).standard_normal(len(runs)))
        used_j = [float(each) * (300 if place < 2 else 30) for place, each in enumerate(factors)]
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


def test_the_first_set_up_of_a_process_says_nothing_of_later_ones() -> None:
    """Two trials loaded libraries for 50 J each; the third used 1 J, as all later ones will."""
    runs = under_way(grid_of_runs(8), 3)
    used = [
        TrialOverhead(chosen=run.chosen, energy_j=50.0, in_new_process=True) for run in runs[:2]
    ]
    coming = [TrialOverhead(chosen=run.chosen) for run in runs[3:]]
    third = TrialOverhead(chosen=runs[2].chosen, energy_j=1.0)

    earlier = study_forecast(
        runs,
        max_epochs=MAX_EPOCHS,
        overheads=[*used, TrialOverhead(chosen=runs[2].chosen), *coming],
    )
    later = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=[*used, third, *coming])

    assert earlier is not None
    assert earlier.overhead_j is None
    assert later is not None
    assert later.overhead_j is not None
    assert cut(later.overhead_j).holds(100.0 + len(runs) - 2)
    assert float(np.median(later.overhead_j)) < 200.0


def test_unknown_set_ups_are_left_out_of_the_total() -> None:
    """`overhead_j` is then None, so that the display can say so."""
    runs = under_way(grid_of_runs(8), 12)
    overheads = [TrialOverhead(chosen=run.chosen) for run in runs]

    found = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=overheads)

    assert found is not None
    assert found.overhead_j is None
    assert found.total_j == pytest.approx(forecast_of(runs).total_j)


def test_a_set_up_of_0_j_is_known() -> None:
    """0 J is a measurement, not a missing one."""
    runs = grid_of_runs(8)
    overheads = [TrialOverhead(chosen=run.chosen, energy_j=0.0) for run in runs]

    found = study_forecast(runs, max_epochs=MAX_EPOCHS, overheads=overheads)

    assert found is not None
    assert found.overhead_j is not None
    assert float(found.overhead_j.max()) == 0.0


def test_a_study_of_very_many_setups_has_no_forecast() -> None:
    """With more than `MOST_KINDS`, the computation would take too long."""
    study = grid_of_runs(7, repeats=1)
    many = [
        replace(study[place % len(study)], trial=str(place), chosen={"weight_decay": place + 1.0})
        for place in range(MOST_KINDS + 1)
    ]

    assert study_forecast(many, max_epochs=MAX_EPOCHS) is None
