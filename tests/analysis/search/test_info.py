"""What a search says: fronts, lower bounds, hypervolume, and what the grid would cost."""

import itertools
import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.search.front import hypervolume
from analysis.search.info import SearchInfo, search_info
from analysis.search.tables import answer_probability_text
from study.record.manifest import SearchAnswer, SetupFacts
from study.record.vocabulary import EnergyMethod, StopReason
from study.search.text import sure_lines
from tests.analysis.study_folder import DATA, manifest_of
from tests.study.rows import plan
from tests.study.search.test_live_search import record_of

SETUPS = tuple(
    SetupFacts(setup=number, batch_size=8 * number, learning_rate=0.1) for number in (1, 2, 3, 4)
)


TRIAL = record_of(plan(), 1.0).to_row()
"""A row with all columns."""


def info_of(
    *trials: tuple[int, list[float], float, StopReason],
    uncertainty_j: float | None = None,
    earlier: tuple[tuple[int, float, float], ...] = (),
    goal: str = "accuracy-energy",
) -> SearchInfo:
    """From trials of a setup: joules of each epoch, best accuracy, and why each ended.

    Several trials of a setup are its seeds. `earlier` are setup, joules and accuracy of whole
    trainings of an earlier study. Every training has reached its target with its last epoch.
    """
    rows: list[dict[str, Any]] = [
        TRIAL
        | {
            "trial_id": f"t{place}",
            "study": "own",
            "status": "finished",
            "setup": setup,
            "batch_size": 8 * setup,
            "effective_batch_size": 8 * setup,
            "learning_rate": 0.1,
            "epochs": len(energies_j),
            "energy_j": sum(energies_j),
            "best_val_score": accuracy,
            "stop_reason": reason.value,
            "energy_to_target_j": None if reason is StopReason.STOPPED else sum(energies_j),
        }
        for place, (setup, energies_j, accuracy, reason) in enumerate(trials)
    ]
    before = [
        {**rows[0], "trial_id": "t", "study": "grid", "setup": setup, "batch_size": 8 * setup}
        | {"energy_j": energy_j, "energy_to_target_j": energy_j, "best_val_score": accuracy}
        | {"stop_reason": StopReason.PATIENCE.value}
        for setup, energy_j, accuracy in earlier
    ]
    epochs = [
        {
            "trial_id": f"t{place}",
            "setup": setup,
            "epoch_energy_j": energy_j,
            "uncertainty_j": uncertainty_j,
        }
        for place, (setup, energies_j, _, _) in enumerate(trials)
        for energy_j in energies_j
    ]
    manifest = replace(
        manifest_of("own", SETUPS, (), DATA, EnergyMethod.COUNTER),
        options={"goal": goal, "max_epochs": 30, "target": 0.8},
    )
    return search_info(manifest, pd.DataFrame(epochs), pd.DataFrame([*before, *rows]))


def test_a_stopped_trial_is_never_on_the_front() -> None:
    """It is listed behind, as a lower bound."""
    info = info_of((1, [2.0, 2.0], 0.8, StopReason.PATIENCE), (2, [1.0], 0.9, StopReason.STOPPED))

    assert [(p.setup, p.on_front, p.stopped) for p in info.points] == [
        (1, True, False),
        (2, False, True),
    ]


def test_a_training_that_broke_is_no_point_of_the_front() -> None:
    """It was cheap because it failed, and does not measure the grid either."""
    info = info_of((1, [4.0], 0.8, StopReason.PATIENCE), (2, [1.0], 0.3, StopReason.DIVERGED))

    assert [(p.setup, p.on_front, p.failed) for p in info.points] == [
        (1, True, False),
        (2, False, True),
    ]
    assert not info.grid_measured


def test_what_was_spent_without_a_reading_is_not_0() -> None:
    """Nobody knows what a search used whose meter told nothing."""
    info = info_of((1, [float("nan")], 0.8, StopReason.PATIENCE))

    assert (info.spent_j, info.missing_epochs) == (None, 1)


def test_a_lower_bound_above_a_more_accurate_training_is_ruled_out() -> None:
    """The other stopped one may yet have come out better."""
    info = info_of(
        (1, [2.0, 2.0], 0.8, StopReason.PATIENCE),
        (2, [5.0], 0.7, StopReason.STOPPED),
        (3, [1.0], 0.7, StopReason.STOPPED),
    )

    assert (info.stopped, info.ruled_out) == (2, 1)
    assert info.not_run == (4,)


def test_the_grid_is_measured_where_all_of_it_ran() -> None:
    """And then it is the sum."""
    info = info_of(*((n, [1.0, float(n)], 0.5, StopReason.PATIENCE) for n in (1, 2, 3, 4)))

    assert info.grid_measured
    assert info.grid_j == pytest.approx(14.0)


def test_the_grid_is_an_estimate_where_some_did_not_run() -> None:
    """Each other setup at the mean length, at its own mean energy or that of all."""
    info = info_of((1, [2.0, 2.0], 0.8, StopReason.PATIENCE), (2, [5.0], 0.7, StopReason.STOPPED))

    assert not info.grid_measured
    assert info.grid_j == pytest.approx(4 + 2 * 5 + 2 * 2 * 3)


def test_a_setup_of_which_no_epoch_was_measured_is_taken_at_the_mean_of_all() -> None:
    """It has rows, like one whose tracker was lost; nothing of the grid's energy is no number."""
    info = info_of(
        (1, [2.0, 2.0], 0.8, StopReason.PATIENCE), (2, [math.nan], 0.7, StopReason.OUT_OF_MEMORY)
    )

    assert info.grid_j == pytest.approx(4 + 3 * 2 * 2)


def test_trainings_that_ended_at_the_target_tell_a_limit() -> None:
    """Nobody knows how long they would have gone on: 30 epochs are the most that is allowed."""
    info = info_of((1, [2.0, 2.0], 0.8, StopReason.TARGET))

    assert info.grid_is_limit
    assert info.grid_j == pytest.approx(4 * 30 * 2.0)


def test_what_would_pass_the_best_with_an_epoch_more_is_ruled_out() -> None:
    """The best took 4 J to the target; 3 J in two epochs, with a third, are more."""
    info = info_of(
        (1, [4.0], 0.8, StopReason.TARGET),
        (2, [1.5, 1.5], 0.7, StopReason.STOPPED),
        (3, [1.0], 0.2, StopReason.STOPPED),
        goal="energy-to-target",
    )

    assert (info.stopped, info.ruled_out) == (2, 1)


def test_the_interval_is_that_of_the_measurement() -> None:
    """The sum of the epochs' uncertainties; none where one is not known."""
    known = info_of((1, [2.0, 2.0], 0.8, StopReason.PATIENCE), uncertainty_j=0.5)
    unknown = info_of((1, [2.0, 2.0], 0.8, StopReason.PATIENCE))

    assert (known.points[0].low_j, known.points[0].high_j) == (3.0, 5.0)
    assert unknown.points[0].low_j is None


def test_a_setup_with_several_seeds_is_one_point() -> None:
    """The mean of them, from the least to the most."""
    info = info_of(
        (1, [2.0], 0.8, StopReason.PATIENCE),
        (1, [4.0], 0.6, StopReason.PATIENCE),
        uncertainty_j=0.5,
    )

    (point,) = info.points
    assert (point.energy_j, point.low_j, point.high_j) == (3.0, 2.0, 4.0)
    assert point.accuracy == pytest.approx(0.7)
    assert point.seeds == 2


def test_what_an_earlier_study_knows_is_on_the_front_and_says_so() -> None:
    """It counts for the grid, too, but not for what the search has used."""
    info = info_of((1, [4.0], 0.8, StopReason.PATIENCE), earlier=((2, 2.0, 0.9),))

    assert [(p.setup, p.on_front, p.studies) for p in info.points] == [
        (2, True, ("grid",)),
        (1, False, ()),
    ]
    assert info.spent_j == 4.0
    assert info.not_run == (3, 4)


def test_how_sure_the_answer_is_needs_seeds() -> None:
    """Without any nothing is said; with some the cheapest is likelier the best."""
    reached = StopReason.TARGET
    single = info_of((1, [2.0], 0.8, reached), goal="energy-to-target")
    several = info_of(
        (1, [2.0], 0.8, reached),
        (1, [2.2], 0.8, reached),
        (2, [6.0], 0.8, reached),
        goal="energy-to-target",
    )

    assert single.probability is None
    assert several.probability is not None
    assert several.probability.setup == 1
    assert several.probability.best > 0.5


def test_a_search_is_never_sure_to_100_percent() -> None:
    """Of its own probability and of the report's: both are shares of draws."""
    reached = StopReason.TARGET
    info = info_of(
        *((1, [joules], 0.8, reached) for joules in (2.0, 2.01, 2.02, 2.01)),
        *((2, [joules], 0.8, reached) for joules in (60.0, 60.1)),
        goal="energy-to-target",
    )
    decided = replace(info, decided=SearchAnswer(setup=1, probability=0.9996, repeats=4))

    texts = [
        answer_probability_text(info, "reached the target"),
        answer_probability_text(decided, "reached the target"),
        *sure_lines(0.9996, repeats=4),
    ]

    assert all("probability of over 99 %" in text for text in texts)


def test_a_setup_that_was_stopped_close_behind_makes_less_sure() -> None:
    """It counts with one more epoch, or with the pace that it had: 0.4 for 1 J makes 0.8 for 2 J."""
    reached = StopReason.TARGET
    runs = ((1, [2.0], 0.8, reached), (1, [2.2], 0.8, reached), (2, [6.0], 0.8, reached))

    alone = info_of(*runs, goal="energy-to-target").probability
    beside = info_of(
        *runs, (3, [0.5, 0.5], 0.4, StopReason.STOPPED), goal="energy-to-target"
    ).probability

    assert alone is not None
    assert beside is not None
    assert beside.stopped == 1
    assert beside.least is not None
    assert beside.least < alone.best


def test_the_front_grows_with_the_energy_spent() -> None:
    """One size for each whole training, in their order."""
    info = info_of(
        (1, [4.0], 0.8, StopReason.PATIENCE),
        (2, [1.0], 0.1, StopReason.STOPPED),
        (3, [2.0], 0.5, StopReason.PATIENCE),
    )

    assert [each.spent_j for each in info.progress] == [4.0, 7.0]
    assert [each.hypervolume for each in info.progress] == pytest.approx([0.0, 0.25])


@given(points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 10)), max_size=20))
def test_hypervolume_is_a_share_that_no_point_makes_smaller(
    points: list[tuple[float, float]],
) -> None:
    """In [0, 1], and monotone."""
    sizes = [hypervolume(points[:n], highest_j=10.0) for n in range(len(points) + 1)]

    assert all(0 <= size <= 1 + 1e-9 for size in sizes)
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(sizes))
